// Values under the pointer, and smoothing. Whatever the page says is there without it.
"use strict";

// A chart's lines as points [x, y] of its drawing, and the scale that makes values of them.
function chartOf(figure) {
  const d = figure.dataset;
  const [left, top, right, bottom] = d.box.split(" ").map(Number);
  const [x0, x1, y0, y1] = [d.x0, d.x1, d.y0, d.y1].map(Number);
  const series = [...figure.querySelectorAll(".series")].map((group) => {
    const paths = [...group.querySelectorAll(".line")];
    const pieces = paths.map((path) => {
      const n = path.getAttribute("d").match(/[\d.]+/g).map(Number);
      return Array.from({ length: n.length >> 1 }, (_, i) => [n[2 * i], n[2 * i + 1]]);
    });
    return { group, paths, pieces, shown: pieces.flat() };
  });
  return {
    figure, series, left, top, right, bottom,
    svg: figure.querySelector("svg"),
    x: (at) => x0 + (at - left) / (right - left) * (x1 - x0),
    y: (at) => {
      const y = y0 + (bottom - at) / (bottom - top) * (y1 - y0);
      return "log" in d ? 10 ** y : y;
    },
  };
}

function draw(chart, name, attributes) {
  const e = document.createElementNS(chart.svg.namespaceURI, name);
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  return e;
}

const short = (value) => String(Number(value.toPrecision(4)));

// ---- values: a line at the point nearest to `at`, its values in the legend ------------------

function showValues(chart, at) {
  const all = chart.series.flatMap((s) => s.shown.map((p) => p[0]));
  const x = all.reduce((best, p) => (Math.abs(p - at) < Math.abs(best - at) ? p : best), all[0]);

  hideValues(chart);
  chart.at = x;
  chart.svg.append(draw(chart, "line", { class: "cursor", x1: x, x2: x, y1: chart.top, y2: chart.bottom }));
  chart.outputs.at(-1).value = `at ${chart.figure.dataset.x} ${short(chart.x(x))}`;
  chart.series.forEach((s, i) => {
    const point = s.shown.find((p) => Math.abs(p[0] - x) < 0.6);
    if (!point) return;
    s.group.append(draw(chart, "circle", { class: "mark", cx: point[0], cy: point[1], r: 3.5 }));
    chart.outputs[i].value = short(chart.y(point[1]));
  });
}

function hideValues(chart) {
  for (const e of chart.svg.querySelectorAll(".cursor, .mark")) e.remove();
  for (const e of chart.outputs) e.value = "";
}

// A place for each value, and one for where they are.
function addOutputs(chart) {
  const legend = chart.figure.querySelector(".legend");
  legend.append(document.createElement("li"));
  chart.outputs = [...legend.children].map((li) =>
    li.appendChild(document.createElement("output")));
}

function listen(chart) {
  const move = (e) => {
    const box = chart.svg.getBoundingClientRect();
    showValues(chart, (e.clientX - box.left) / box.width * chart.svg.viewBox.baseVal.width);
  };
  chart.svg.tabIndex = 0;
  chart.svg.addEventListener("pointermove", move);
  chart.svg.addEventListener("pointerdown", move);
  chart.svg.addEventListener("pointerleave", () => hideValues(chart));
  chart.svg.addEventListener("blur", () => hideValues(chart));
  chart.svg.addEventListener("keydown", (e) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!step) return;
    const xs = [...new Set(chart.series.flatMap((s) => s.shown.map((p) => p[0])))]
      .sort((a, b) => a - b);
    const now = chart.at === undefined ? -1 : xs.indexOf(chart.at);
    showValues(chart, xs[Math.min(Math.max(now + step, 0), xs.length - 1)]);
    e.preventDefault();
  });
}

// ---- smoothing: an exponential moving average of what is drawn, the lines faint behind it ---

function smooth(chart, weight) {
  hideValues(chart);
  for (const s of chart.series) {
    s.group.querySelectorAll(".smooth").forEach((e) => e.remove());
    s.paths.forEach((p) => p.classList.toggle("faint", weight > 0));
    let sum = 0, all = 0;
    const pieces = s.pieces.map((piece) => piece.map(([x, y]) => {
      sum = weight * sum + y;
      all = weight * all + 1;
      return [x, sum / all];
    }));
    s.shown = pieces.flat();
    if (weight > 0)
      for (const piece of pieces)
        s.group.append(draw(chart, "path", { class: "line smooth", d: "M" + piece.flat().join(" ") }));
  }
}

function addSlider(group, charts) {
  const label = document.createElement("label"), input = document.createElement("input");
  Object.assign(input, { type: "range", min: 0, max: 0.95, step: 0.05, value: 0 });
  label.className = "tools";
  label.append("Smoothing", input);
  input.addEventListener("input", () => charts.forEach((c) => smooth(c, Number(input.value))));
  group.before(label);
}

for (const group of document.querySelectorAll(".charts")) {
  const charts = [...group.querySelectorAll(".chart")].map(chartOf);
  const noisy = charts.filter((c) => "noisy" in c.figure.dataset);
  charts.forEach(addOutputs);
  charts.forEach(listen);
  if (noisy.length) addSlider(group, noisy);
}
