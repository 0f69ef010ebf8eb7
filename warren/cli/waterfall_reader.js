"use strict";
async function answer(path) {
  const found = await fetch(`/api/${path}`);
  if (!found.ok) throw new Error(`${found.status} ${found.statusText}`);
  return (await found.json()).data;
}
function told(trace) {
  const spans = [...trace.spans].sort((a, b) => a.startTime - b.startTime);
  const ids = new Set(spans.map(span => span.spanID)), above = span => span.references.find(one => one.refType === "CHILD_OF")?.spanID;
  const root = spans.find(span => !ids.has(above(span))) || spans[0], start = spans[0].startTime;
  const about = tags => Object.fromEntries(tags.map(tag => [tag.key, tag.value]));
  const entry = span => {
    const tags = about(span.tags), service = trace.processes[span.processID];
    const made = {
      id: span.spanID, parent: above(span) || "", name: span.operationName, outcome: tags["warren.outcome"] || "",
      who: [service.serviceName, about(service.tags)["service.instance.id"]].filter(Boolean).join(" "),
      start: (span.startTime - start) / 1000, end: (span.startTime + span.duration - start) / 1000, about: tags,
      events: span.logs.map(log => {
        const fields = about(log.fields);
        return { name: fields.event || "", at: (log.timestamp - start) / 1000, about: fields };
      }),
    };
    if (tags["otel.status_code"] === "ERROR") made.error = tags["otel.status_description"] || "error";
    return made;
  };
  const project = spans.find(span => "gen_ai.workflow.name" in about(span.tags)) || root, tags = about(project.tags);
  return {
    project: tags["warren.project.id"] || "", trace: trace.traceID, name: project.operationName,
    outcome: tags["warren.outcome"] || "", start: start / 1e6, spans: [root, ...spans.filter(span => span !== root)].map(entry),
  };
}
async function list() {
  const tags = wantedProject ? `&tags=${encodeURIComponent(JSON.stringify({ "warren.project.id": wantedProject }))}` : "";
  const traces = await answer(`traces?service=warren-director&limit=50&lookback=2d${tags}`);
  document.getElementById("title").textContent = "Traces in this Jaeger";
  document.getElementById("ids").textContent = "Jaeger's own interface is not part of this build; this page reads its query API";
  document.querySelector(".key").hidden = document.querySelector(".scale").hidden = true;
  for (const button of document.querySelectorAll(".tools button")) button.hidden = true;
  const rows = document.getElementById("rows");
  document.getElementById("search").oninput = event => {
    for (const row of rows.children) row.hidden = !row.textContent.toLowerCase().includes(event.target.value.trim().toLowerCase());
  };
  for (const trace of traces.map(told).sort((a, b) => b.start - a.start)) {
    const link = document.createElement("a");
    link.href = `/trace/${trace.trace}`;
    const outcome = trace.outcome || "still going on", name = trace.name.replace(/^invoke_workflow /, "");
    link.textContent = `${new Date(trace.start * 1000).toLocaleString()}  ${name} ${outcome}  ${trace.project}  (${trace.spans.length} spans)`;
    link.className = "found";
    rows.append(link);
  }
  if (!traces.length) rows.textContent = "no traces yet";
}
const asked = new URLSearchParams(location.search), wantedProject = asked.get("project") || "";
const path = location.pathname.match(/\/trace\/([0-9a-f]+)/);
const wantedTrace = asked.get("trace") || (path && path[1]);
(wantedTrace ? answer(`traces/${wantedTrace}`).then(([trace]) => show(told(trace))) : list()).catch(error => {
  document.getElementById("title").textContent = `Jaeger does not answer: ${error.message}`;
});
