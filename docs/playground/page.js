// The page: the text, its buttons, and what the worker says.
const find = id => document.getElementById(id)
const field = find("text"), fault = find("fault")
const PATIENCE = 1500  // milliseconds in which a training is asked to stop before Python is ended
const [original, breaks] = await Promise.all([fetch("network.py").then(got => got.text()),
  fetch("breaks.json").then(got => got.json())])
let worker = null, busy = null, impatient = 0, row = 0, mark = null, changed = null

function element(name, options = {}, ...inside) {
  const made = Object.assign(document.createElement(name), options)
  made.append(...inside)
  return made
}
function say(text) { find("status").textContent = text }

// Python
const SAYS = {train: "Training …", step: "Computing the graph …", check: "Checking the gradients …"}
function start(before = "") {
  busy = "load"
  worker = new Worker("worker.js", {type: "module"})
  worker.onmessage = ({data}) => HEARD[data.kind](data)
  worker.onerror = event => HEARD.died({text: event.message || "a file of this page is not there"})
  find("loading").hidden = false
  find("progress").value = 0
  say(before)
  buttons()
}
function ask(what, options = {}) {
  if (busy) return
  busy = what
  for (const part of ["error", "output-card"]) find(part).hidden = true
  find("output").textContent = ""
  marked(null)
  if (what === "check") {
    find("causes").replaceChildren()
    find("rows").hidden = true
    result("verdict", SAYS.check)
  }
  if (what === "train") {
    find("pictures").replaceChildren()
    result("numbers-now", SAYS.train)
  }
  say(SAYS[what])
  buttons()
  worker.postMessage({ask: what, text: field.value, options})
}
function result(name, text, kind = "soft") {
  find(name).textContent = text
  find(name).className = kind
  shown(name)
}
function shown(name) {
  find(name).closest("section").classList.add("shown")
  find(name).closest("section").classList.remove("stale")
}
function stop() {
  if (!busy || busy === "load" || impatient) return
  say("Stopping …")
  worker.postMessage({stop: true})
  impatient = setTimeout(() => again("It did not stop by itself, so Python was ended and starts again. The text is kept."),
    PATIENCE)
}
function again(why) {
  clearTimeout(impatient)
  impatient = 0
  if (busy === "check") result("verdict", "Not checked: it was stopped.")
  if (busy === "train" && !find("pictures").children.length) result("numbers-now", "Not trained: it was stopped.")
  worker.terminate()
  start(why)
}
function buttons() {  // not disabled, which would take the focus away
  const off = (name, is) => find(name).setAttribute("aria-disabled", is)
  for (const name of ["train", "step", "check", "break", "another"]) off(name, !!busy)
  off("stop", !busy || busy === "load")
  off("mend", !!busy || !broken().length)
}

const percent = share => share === null ? "–" : `${(100 * share).toFixed(1)} %`
const HEARD = {
  loading: ({share}) => {
    find("progress").value = share
    if (share === 1) find("progress").removeAttribute("value")  // nobody knows how long it takes to start
    find("progress-text").textContent = share < 1 ? `Python is loading, ${Math.floor(100 * share)} % …` : "Python starts …"
  },
  ready: ({versions}) => {
    busy = null
    find("loading").hidden = true
    find("versions").textContent = `${versions}, in WebAssembly by Pyodide.`
    say(find("status").textContent || "Ready.")
    buttons()
  },
  batch: ({done, of}) => say(`Training … batch ${done} of ${of}`),
  epoch: data => {
    find("pictures").innerHTML = data.pictures.join("")
    const accuracy = data.train === null ? "" :
      `, accuracy ${percent(data.train)} in training, ${percent(data.test)} on the test digits`
    result("numbers-now", `Epoch ${data.epoch} of ${data.of}: loss ${data.loss.toPrecision(3)}${accuracy}.`, "")
  },
  graph: showGraph,
  report: showReport,
  error: ({text, line, place}) => {
    const where = line === null ? "" : `Line ${line}${place && `, in ${place}`}: `
    const source = line === null ? "" : (field.value.split("\n")[line - 1] || "").trim()
    find("error").replaceChildren(element("p", {}, element("strong", {}, where), text),
      ...(source ? [element("code", {}, source)] : []))
    find("error").hidden = false
    if (busy === "check") result("verdict", "Not checked: see the error below the text.")
    if (busy === "train" && !find("pictures").children.length) result("numbers-now", "Not trained: see the error below the text.")
    marked(line)
  },
  output: ({line}) => {
    find("output-card").hidden = false
    find("output").textContent += `${line}\n`
  },
  done: ({stopped}) => {
    clearTimeout(impatient)
    impatient = 0
    busy = null
    say(stopped ? "Stopped." : find("error").hidden ? "Done." : "")
    buttons()
  },
  died: ({text}) => {
    if (busy !== "load") return again(`Python has ended, and starts again; the text is kept. It said: ${text}`)
    find("progress").hidden = true
    find("progress-text").textContent = `Python could not be loaded: ${text}. Reload the page to try again.`
  },
}

// The text
function numbered() {
  const lines = field.value.split("\n")
  find("numbers").replaceChildren(...lines.map((_, i) => element("span",
    {className: i + 1 === mark ? "wrong" : i + 1 === changed ? "changed" : ""}, `${i + 1}\n`)))
  find("numbers").scrollTop = field.scrollTop
}
function marked(line) {
  mark = line
  numbered()
  if (line !== null) show(line)
}
function show(line) {  // scroll to a line
  const height = field.scrollHeight / field.value.split("\n").length
  if (line * height < field.scrollTop + height || line * height > field.scrollTop + field.clientHeight - height)
    field.scrollTop = Math.max(0, line * height - field.clientHeight / 2)
}
function write(text) {
  field.value = text
  field.dispatchEvent(new Event("input"))
}
field.addEventListener("input", () => {
  mark = changed = null
  numbered()
  buttons()
  for (const part of document.querySelectorAll(".shown")) part.classList.add("stale")
})
field.addEventListener("scroll", () => find("numbers").scrollTop = field.scrollTop)
field.addEventListener("keydown", event => {
  if (event.key !== "Enter" || event.isComposing) return
  event.preventDefault()
  if (event.ctrlKey || event.metaKey) return ask("train", {width: width()})
  const before = field.value.slice(0, field.selectionStart), line = before.slice(before.lastIndexOf("\n") + 1)
  const indent = /^ */.exec(line)[0] + (line.trimEnd().endsWith(":") ? "    " : "")
  if (!document.execCommand("insertText", false, `\n${indent}`)) field.setRangeText(`\n${indent}`,
    field.selectionStart, field.selectionEnd, "end")
})

// Faults: one line of one class
function place(wanted, {of}) {
  let at = 0, inside = false
  for (const line of field.value.split("\n")) {
    if (/^\S/.test(line)) inside = new RegExp(`^class ${of}\\b`).test(line)
    if (inside && line.trim() === wanted) return at + line.indexOf(wanted)
    at += line.length + 1
  }
  return -1
}
const isIn = (line, each) => place(line, each) >= 0
function exchange(each, from, to) {
  const at = place(from, each), line = field.value.slice(0, at).split("\n").length
  write(field.value.slice(0, at) + to + field.value.slice(at + from.length))
  changed = line
  numbered()
  show(line)
}
const broken = () => breaks.filter(each => isIn(each.wrong, each))
function breakIt() {
  const each = breaks[fault.value]
  if (busy) return
  if (isIn(each.wrong, each)) return ask("check")
  if (!isIn(each.right, each))
    return say(`The line “${each.right}” is not in ${each.of} any more; mend it or reset the text, then break it.`)
  exchange(each, each.right, each.wrong)
  ask("check")
}
function mendIt() {
  if (busy || !broken().length) return
  for (const each of broken()) exchange(each, each.wrong, each.right)
  ask("check")
}

// Results
const width = () => Math.max(330, Math.floor((find("pictures").clientWidth - 16) / (innerWidth < 520 ? 1 : 2)))
function showReport({ok, rows, causes, images}) {
  const wrong = rows.filter(each => each.status === "fail").map(each => each.name)
  if (ok) result("verdict", `Every gradient agrees with numerical differentiation, on ${images} digits.`, "good")
  else result("verdict", `Wrong: the gradient${wrong.length > 1 ? "s" : ""} of ${wrong.join(", ")}. The cause:`, "bad")
  find("causes").replaceChildren(...causes.map(cause => {
    const [first, ...rest] = cause.split("; ")
    return element("li", {}, element("strong", {}, first), ...(rest.length ? [`; ${rest.join("; ")}`] : []))
  }))
  const cells = each => [each.name, each.shape, each.difference === null ? "–" : each.difference.toExponential(1), each.status]
  find("rows").replaceChildren(element("table", {}, element("thead", {}, element("tr", {},
    ...["gradient of", "shape", "difference", ""].map(name => element("th", {scope: "col"}, name)))),
    element("tbody", {}, ...rows.map(each => element("tr", {className: each.status},
      ...cells(each).map(cell => element("td", {}, cell)))))))
  find("rows").hidden = false
}
function showGraph({html, arrays, row: which}) {
  const frame = find("graph")
  row = which
  shown("graph")
  for (const part of ["graph", "another", "legend"]) find(part).hidden = false
  find("graph-none").hidden = true
  URL.revokeObjectURL(frame.src)
  frame.src = URL.createObjectURL(new Blob([html], {type: "text/html"}))
  frame.onload = () => {
    const {body} = frame.contentDocument
    const fit = () => frame.style.height = `${body.scrollHeight + 4}px`
    body.style.padding = "0"
    fit()
    new ResizeObserver(fit).observe(body)
    new MutationObserver(() => showArrays(arrays, +body.dataset.step)).observe(body, {attributeFilter: ["data-step"]})
    showArrays(arrays, +body.dataset.step)
  }
}
function showArrays(arrays, step) {
  find("arrays").replaceChildren(...arrays.map(each => {
    const known = [["value", each.forward], ["derivative", each.backward]].filter(([name]) => each[name].length)
    return element("figure", {className: known.some(([, when]) => when === step) ? "now" : ""},
      element("figcaption", {}, each.name === "x" ? "x" : `${each.name} gives`),
      ...known.map(([name, when]) => map(name, each[name], when <= step)))
  }))
}
function map(name, values, shown) {
  const columns = values.length === 64 ? 8 : 10, rows = Math.ceil(values.length / columns)
  const canvas = element("canvas", {className: "map", width: columns, height: rows, role: "img"})
  const most = Math.max(...values.map(Math.abs)) || 1, context = canvas.getContext("2d")
  canvas.style.width = `${columns * 11}px`
  const bounds = `from ${Math.min(...values)} to ${Math.max(...values)}`
  canvas.setAttribute("aria-label", `${name}, ${shown ? `${values.length} numbers ${bounds}` : "not known yet"}`)
  values.forEach((value, i) => {
    const share = shown ? Math.abs(value) / most : 0, colour = value > 0 ? "201 82 12" : "28 103 176"
    context.fillStyle = `rgb(${colour} / ${share})`
    context.fillRect(i % columns, Math.floor(i / columns), 1, 1)
  })
  const range = shown ? `± ${most.toPrecision(2)}` : "not known yet"
  return element("div", {className: shown ? "" : "later"}, canvas, element("span", {}, `${name}, ${range}`))
}

find("train").onclick = () => ask("train", {width: width()})
find("step").onclick = () => ask("step", {row})
find("another").onclick = () => ask("step", {row: row + 1})
find("check").onclick = () => ask("check")
find("stop").onclick = stop
find("break").onclick = breakIt
find("mend").onclick = mendIt
find("reset").onclick = () => write(original)
fault.append(...breaks.map((each, i) => new Option(each.name, i)))
field.value = original
numbered()
start()
