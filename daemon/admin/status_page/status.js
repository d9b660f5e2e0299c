"use strict";
// Asks for status.json every second, keeps two minutes of it, and draws that.

const WINDOW_S = 120;
const MOST_ROWS = 100;
const SVG = "http://www.w3.org/2000/svg";
const source = new URL("status.json", location.href.replace(/\/$/, ""));

// --- Numbers for people ---

const count = (value) => Math.round(value).toLocaleString("en-US");

function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let unit = 0;
  while (bytes >= 1024 && unit + 1 < units.length) {
    bytes /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`;
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(1)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  if (hours < 24) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// As the daemon computes it: values are spread evenly within a bucket.
function quantile(bounds, buckets, share) {
  const all = total(buckets);
  if (all === 0) return null;
  let below = 0;
  for (let index = 0; index < bounds.length; index += 1) {
    if (buckets[index] > 0 && below + buckets[index] >= share * all) {
      const begin = index === 0 ? 0 : bounds[index - 1];
      return begin + (bounds[index] - begin) * (share * all - below) / buckets[index];
    }
    below += buckets[index];
  }
  return bounds[bounds.length - 1];
}

// --- Elements ---

const byId = (id) => document.getElementById(id);

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function svg(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

// columns: [title, class, cell of a row]
function fillTable(id, columns, rows) {
  const head = element("tr");
  for (const [title, className] of columns) {
    const cell = element("th", title, className === "n" ? "n" : "");
    cell.scope = "col";
    head.append(cell);
  }
  const body = rows.map((row) => {
    const line = element("tr");
    for (const [, className, cell] of columns) line.append(element("td", cell(row), className));
    return line;
  });
  const parts = [element("thead"), element("tbody")];
  parts[0].append(head);
  parts[1].append(...body);
  byId(id).replaceChildren(...parts);
}

// --- Plots ---

const total = (numbers) => Object.values(numbers).reduce((all, number) => all + number, 0);

const sum = (status, member) =>
  total(status.shards.map((shard) => shard[member] ?? 0));

const sumOfKind = (status, kind, member) =>
  total(status.shards.map((shard) => shard.operations[kind][member] ?? 0));

function inState(status) {
  const states = {};
  for (const shard of status.shards) {
    for (const [state, open] of Object.entries(shard.connections ?? {})) {
      states[state] = (states[state] ?? 0) + open;
    }
  }
  return states;
}

// What a counter has grown by in a second, since the answer before.
const rate = (now, before, member) => before &&
  (sum(now, member) - sum(before, member)) / (now.uptime_seconds - before.uptime_seconds);

// How long these last is how long nobody came, or nobody called.
const PASSIVE = new Set(["accept", "wake"]);

function latencies(now, before) {
  const found = {};
  if (!before) return found;
  for (const [kind, { buckets }] of Object.entries(now.totals.operations)) {
    if (PASSIVE.has(kind)) continue;
    const earlier = before.totals.operations[kind].buckets;
    found[kind] = quantile(now.totals.bounds_seconds,
                           buckets.map((value, index) => value - earlier[index]), 0.99);
  }
  return found;
}

// Each tells of one answer, and the one before, what its lines are at.
const plots = [
  { id: "bytes", title: "Content sent", format: (value) => `${size(value)}/s`,
    values: (now, before) => ({ sent: rate(now, before, "response_body_bytes") }) },
  { id: "requests", title: "Requests", format: (value) => `${value.toFixed(value < 10 ? 1 : 0)}/s`,
    values: (now, before) => ({ answered: rate(now, before, "requests") }) },
  { id: "connections", title: "Connections", format: count, values: inState },
  { id: "queues", title: "Queue depths", format: count, values: (now) => ({
    submission: sum(now, "submission_queue_depth"), completion: sum(now, "completion_queue_depth"),
    parked: sum(now, "operations_parked"), ready: sum(now, "tasks_ready") }) },
  { id: "latency", title: "Operations, 99 of 100 within", format: duration, logarithmic: true,
    values: latencies },
];

function makePlot(plot) {
  plot.lines = new Map();
  plot.peak = element("span");
  plot.legend = element("ul");
  plot.canvas = svg("svg", {
    viewBox: `0 0 ${WINDOW_S} 100`, preserveAspectRatio: "none", role: "img" });
  const figure = element("figure");
  const caption = element("figcaption", plot.title);
  figure.id = `plot-${plot.id}`;
  caption.append(plot.peak);
  figure.append(caption, plot.canvas, plot.legend);
  byId("plots").append(figure);
}

function lineOf(plot, name) {
  if (!plot.lines.has(name)) {
    const style = `s${plot.lines.size % 6}`;
    const swatch = svg("svg", { viewBox: "0 0 24 8", class: "swatch", "aria-hidden": "true" });
    swatch.append(svg("polyline", { points: "0,4 24,4", class: style }));
    const item = element("li");
    const value = element("b");
    item.dataset.series = name;
    item.append(swatch, `${name} `, value);
    plot.legend.append(item);
    const drawn = svg("polyline", { class: style });
    plot.canvas.append(drawn);
    plot.lines.set(name, { drawn, value });
  }
  return plot.lines.get(name);
}

function draw(plot, history) {
  const numbers = history.flatMap((moment) => Object.values(moment.values[plot.id]))
    .filter((value) => Number.isFinite(value));
  const peak = Math.max(0, ...numbers);
  const least = Math.min(peak, ...numbers.filter((value) => value > 0));
  const height = (value) => {
    if (peak === 0) return 0;
    if (!plot.logarithmic) return value / peak;
    if (value <= 0) return 0;
    const share = peak === least ? 1 : Math.log(value / least) / Math.log(peak / least);
    return 0.05 + 0.95 * share;
  };
  const latest = history[history.length - 1];
  for (const name of Object.keys(latest.values[plot.id])) {
    // Of what has never happened there is no line.
    if (plot.lines.has(name) || Number.isFinite(latest.values[plot.id][name])) lineOf(plot, name);
  }
  const told = [];
  for (const [name, line] of plot.lines) {
    const points = history.filter((moment) => Number.isFinite(moment.values[plot.id][name]))
      .map((moment) => `${(WINDOW_S - (latest.at - moment.at)).toFixed(1)},` +
                       `${(97 - 94 * height(moment.values[plot.id][name])).toFixed(1)}`);
    line.drawn.setAttribute("points", points.join(" "));
    const value = latest.values[plot.id][name];
    line.value.textContent = Number.isFinite(value) ? plot.format(value) : "–";
    told.push(`${name} ${line.value.textContent}`);
  }
  plot.peak.textContent = numbers.length > 0 ? `at most ${plot.format(peak)}` : "";
  plot.canvas.setAttribute(
    "aria-label", `${plot.title}, two minutes. Now: ${told.join(", ") || "nothing"}.`);
}

// --- One answer ---

let before = null;
let history = [];

function remember(status) {
  if (before && status.uptime_seconds <= before.uptime_seconds) {
    before = null;  // started anew: what it has counted begins at 0
    history = [];
  }
  const values = Object.fromEntries(plots.map((plot) => [plot.id, plot.values(status, before)]));
  history.push({ at: status.uptime_seconds, values });
  history = history.filter((moment) => status.uptime_seconds - moment.at <= WINDOW_S);
  before = status;
}

function showFacts(status) {
  const open = total(inState(status));
  const most = status.limits.max_connections;
  const { generation, reloads_failed: failed } = status.configuration;
  const facts = {
    uptime: ["Up for", duration(status.uptime_seconds)],
    requests: ["Requests answered", count(sum(status, "requests"))],
    bytes: ["Content sent", size(sum(status, "response_body_bytes"))],
    connections: ["Connections", `${count(open)} of at most ${count(most)}`],
    in_flight: ["Requests in flight", count(sum(status, "requests_in_flight"))],
    latency: ["Requests, 99 of 100 within", duration(status.totals.requests.p99_seconds)],
    configuration: ["Configuration", `${generation}, ${failed} reloads failed`],
    log: ["Log lines lost", count(status.log_dropped_lines)],
  };
  byId("facts").replaceChildren(...Object.entries(facts).map(([id, [name, value]]) => {
    const pair = element("div");
    const told = element("dd", value);
    told.id = `fact-${id}`;
    pair.append(element("dt", name), told);
    return pair;
  }));
}

function showTables(status) {
  fillTable("shards", [
    ["Shard", "", (shard) => shard.shard],
    ["Connections", "n", (shard) => count(total(shard.connections ?? {}))],
    ["Operations in flight", "n", (shard) => count(shard.operations_in_flight)],
    ["Parked", "n", (shard) => count(shard.operations_parked)],
    ["Submission queue", "n", (shard) => count(shard.submission_queue_depth)],
    ["Completion queue", "n", (shard) => count(shard.completion_queue_depth)],
    ["Ready tasks", "n", (shard) => count(shard.tasks_ready)],
    ["Loop delay p99", "n", (shard) => duration(shard.loop_delay.p99_seconds)],
    ["Answers", "", (shard) => (shard.answers ? "yes" : "no")],
  ], status.shards);
  const kinds = Object.entries(status.totals.operations).map(([kind, latency]) => ({
    kind, latency,
    inFlight: sumOfKind(status, kind, "in_flight"),
    errors: sumOfKind(status, kind, "errors"),
  })).filter(({ latency, inFlight }) => latency.count > 0 || inFlight > 0);
  fillTable("operations", [
    ["Operation", "", (row) => row.kind],
    ["In flight", "n", (row) => count(row.inFlight)],
    ["Complete", "n", (row) => count(row.latency.count)],
    ["Errors", "n", (row) => count(row.errors)],
    ["p50", "n", (row) => duration(row.latency.p50_seconds)],
    ["p99", "n", (row) => duration(row.latency.p99_seconds)],
  ], kinds);
}

function showConnections({ total: active, connections }) {
  const shown = connections.slice(0, MOST_ROWS);
  byId("connections-note").textContent = active > shown.length
    ? `${count(shown.length)} of ${count(active)}; more are in status.json.`
    : active === 0 ? "There are none." : "";
  const asked = ({ method, path }) => (path ? `${method} /${path === "." ? "" : path}` : "");
  const sent = ({ state, bytes_sent: done, bytes_total: all }) => {
    if (state !== "response") return "";
    return all === null ? size(done) : `${size(done)} of ${size(all)}`;
  };
  fillTable("connections", [
    ["State", "", (row) => row.state],
    ["Age", "n", (row) => duration(row.age_seconds)],
    ["In state", "n", (row) => duration(row.in_state_seconds)],
    ["Client", "", (row) => (row.port ? `${row.peer} ${row.port}` : row.peer)],
    ["Site", "", (row) => row.site ?? ""],
    ["Request", "path", asked],
    ["Sent", "n", sent],
  ], shown);
}

function say(text, isBad) {
  const state = byId("state");
  state.className = isBad ? "bad" : "";
  // Only what is new is read out.
  if (state.textContent !== text) state.textContent = text;
}

function show(status) {
  byId("version").textContent = status.version;
  remember(status);
  showFacts(status);
  for (const plot of plots) draw(plot, history);
  showTables(status);
  showConnections(status.in_flight);
  const silent = status.shards.filter((shard) => !shard.answers).map((shard) => shard.shard);
  const { last_reload_successful: reloaded } = status.configuration;
  if (silent.length > 0) say(`Shard ${silent.join(", ")} does not answer.`, true);
  else if (!reloaded) say("The last reload failed; see the log.", true);
  else say(status.draining ? "Draining: it will stop." : "Serving.", status.draining);
}

async function poll() {
  const began = performance.now();
  if (!document.hidden) {
    try {
      const answer = await fetch(source, { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (!answer.ok) throw new Error(`status.json is answered with ${answer.status}`);
      show(await answer.json());
    } catch (error) {
      say(`No answer: ${error.message}.`, true);
    }
  }
  setTimeout(poll, Math.max(100, 1000 - (performance.now() - began)));
}

plots.forEach(makePlot);
poll();
