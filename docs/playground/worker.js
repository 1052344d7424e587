// Python in a worker: the page stays responsive whatever the text computes, and can end the worker.
import {loadPyodide} from "./pyodide/pyodide.mjs"

const LINES = 500  // of output that are passed on for one question
const files = await (await fetch("files.json")).json()
const total = Object.values(files.bytes).reduce((sum, bytes) => sum + bytes, 0)
let received = 0, lines = 0, playground = null, stopped = false

// Pyodide fetches its own files: every byte that arrives counts, whoever asked for it.
const plainFetch = self.fetch.bind(self)
self.fetch = async (...asked) => {
  const response = await plainFetch(...asked)
  if (!response.body || playground) return response
  const counted = response.body.pipeThrough(new TransformStream({transform(part, out) {
    received += part.byteLength
    postMessage({kind: "loading", share: Math.min(1, received / total)})
    out.enqueue(part)
  }}))
  return new Response(counted, {status: response.status, headers: response.headers})
}

async function fetched(name) {
  const response = await fetch(name)
  if (!response.ok) throw new Error(`${name} is not there (${response.status})`)
  return response.arrayBuffer()
}

function say(line) {
  lines += 1
  if (lines <= LINES) postMessage({kind: "output", line})
  else if (lines === LINES + 1) postMessage({kind: "output", line: `… more than ${LINES} lines: the rest is left out`})
}

async function start() {
  const [python, own, ...wheels] = await Promise.all(
    [loadPyodide({stdout: say, stderr: say}), fetched("playground.py"), ...files.wheels.map(fetched)])
  postMessage({kind: "loading", share: 1})
  python.setStdin({stdin: () => null})  // nobody can type
  for (const wheel of wheels) python.unpackArchive(wheel, "wheel")
  python.FS.writeFile("/home/pyodide/playground.py", new Uint8Array(own))
  const module = python.pyimport("playground")
  playground = module.Playground(event => postMessage(JSON.parse(event)))
  postMessage({kind: "ready", versions: module.versions()})
}

async function answer({ask, text, options}) {
  lines = 0
  stopped = false
  const events = playground.events(ask, text, JSON.stringify(options))
  for (let next = events.next(); !next.done; next = events.next()) {
    postMessage(JSON.parse(next.value))
    await new Promise(resolve => setTimeout(resolve))  // hear of a stop
    if (stopped) { events.return(); break }
  }
  events.destroy()
  postMessage({kind: "done", stopped})
}

onmessage = ({data}) => {
  if (data.stop) stopped = true
  else answer(data).catch(died)
}

function died(error) {
  postMessage({kind: "died", text: String(error.message || error).trim().split("\n").pop()})
}

start().catch(died)
