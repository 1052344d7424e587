/* A page that is opened as a file may start no Worker. Then the search runs in a hidden frame instead, which has the
   face of a Worker as far as the search uses it. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      this.frame = document.createElement("iframe")
      this.frame.hidden = true
      document.body.append(this.frame)
      const inside = this.frame.contentWindow
      this.hear = (event) => {
        if (event.source !== inside) return
        const message = new MessageEvent("message", { data: event.data })
        this.dispatchEvent(message)
        this.onmessage?.(message)
      }
      addEventListener("message", this.hear)
      this.ready = new Promise((resolve) => {
        const page = inside.document
        page.open()
        page.write("<!doctype html><body></body>")
        page.close()
        inside.postMessage = (data) => window.dispatchEvent(new MessageEvent("message", { data, source: inside }))
        const script = page.createElement("script")
        script.src = new URL(url, location.href).href
        script.onload = resolve
        script.onerror = (error) => this.onerror?.(error)
        page.body.append(script)
      })
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })))
    }

    terminate() {
      removeEventListener("message", this.hear)
      this.frame.remove()
    }
  }
}
