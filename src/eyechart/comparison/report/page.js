// What the report's page does: draws its charts, sorts its tables, compares two rows. It asks nothing of the network.
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const MOST_CLASSES = 16; // in a matrix: of more, those in which the two rows err most
const FEW_CLASSES = 12; // in a matrix: of more, the numbers are small
const MOST_EXAMPLES = 12; // pictures of a list
const MOST_IN_LINE = 4; // pictures in a cell of a table

// An element with attributes and children. What is text stays text.
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// --- charts

const views = new Map(); // by the board's number

async function drawCharts() {
  const narrow = window.innerWidth < 600;
  for (const [id, spec] of Object.entries(DATA.charts)) {
    const place = document.getElementById(id);
    if (!place) continue;
    if (narrow) spec.config = { ...spec.config, axisY: { labelLimit: 110 } };
    const options = { actions: false, renderer: "svg", ast: true };
    const { view } = await window.vegaEmbed(place, spec, options);
    const board = id.slice(id.lastIndexOf("-") + 1);
    views.set(board, [...(views.get(board) ?? []), view]);
  }
  document.documentElement.dataset.drawn = "yes";
}

function legends() {
  for (const legend of document.querySelectorAll(".legend")) {
    legend.addEventListener("click", (event) => {
      const pressed = event.target.closest("button");
      if (!pressed) return;
      const on = pressed.getAttribute("aria-pressed") !== "true";
      for (const button of legend.querySelectorAll("button")) {
        button.setAttribute("aria-pressed", String(on && button === pressed));
      }
      for (const view of views.get(legend.dataset.board) ?? []) {
        view.signal("chosen", on ? Number(pressed.dataset.row) : null).run();
      }
    });
  }
}

// --- tables

function sortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = header.querySelector("button");
    if (!button) return;
    button.addEventListener("click", () => {
      // numbers begin with the highest, words with a
      const words = header.classList.contains("text") || column === 0;
      const first = words ? "ascending" : "descending";
      const other = words ? "descending" : "ascending";
      const order = header.getAttribute("aria-sort") === first ? other : first;
      headers.forEach((each) => each.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", order);
      const sign = order === "ascending" ? 1 : -1;
      const rows = [...table.tBodies[0].rows];
      rows.sort((a, b) => compare(key(a.cells[column]), key(b.cells[column]), sign));
      table.tBodies[0].append(...rows);
    });
  });
}

// A number where the cell begins with one, else its text; what is not known is NaN.
function key(cell) {
  const text = cell.textContent.trim().replace(/,/g, "").replace(/^−/, "-");
  if (text === "-" || text === "") return NaN;
  const number = parseFloat(text);
  return Number.isNaN(number) || cell.tagName === "TH" ? text : number;
}

function compare(a, b, sign) {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b); // last in both orders
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
}

// --- two rows compared

function unpacked({ bytes, data }) {
  const raw = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  return bytes === 1 ? raw : bytes === 2 ? new Uint16Array(raw.buffer) : new Uint32Array(raw.buffer);
}

// A count, or a mean of counts, of which the digit behind the point is left out from `round` on.
function counted(mean, round = 100) {
  const value = Math.abs(mean);
  const text = Number.isInteger(value) || value >= round ? Math.round(value).toLocaleString("en") : value.toFixed(1);
  return mean < 0 ? `−${text}` : text;
}

class Pairs {
  constructor(section) {
    this.section = section;
    this.data = DATA.pairs[section.dataset.board];
    this.names = this.data.classes;
    this.labels = unpacked(this.data.labels);
    this.index = unpacked(this.data.index);
    this.rows = this.data.rows.map((row) => ({
      ...row,
      answer: unpacked(row.answer),
      right: unpacked(row.right),
      matrix: this.dense(row),
    }));
    this.single = this.rows.length === 1;
    if (!this.single) {
      this.chooseA = section.querySelector(".choose-a");
      this.chooseB = section.querySelector(".choose-b");
      for (const select of [this.chooseA, this.chooseB]) select.addEventListener("change", () => this.show());
    }
    this.show();
  }

  // The mean counts of a row: by true class, then by answer.
  dense({ counts, seeds }) {
    const matrix = this.names.map(() => new Float64Array(this.names.length));
    for (let i = 0; i < counts.length; i += 2) {
      matrix[Math.floor(counts[i] / this.names.length)][counts[i] % this.names.length] = counts[i + 1] / seeds;
    }
    return matrix;
  }

  find(name) {
    return this.section.querySelector(name);
  }

  show() {
    this.a = this.rows[this.single ? 0 : Number(this.chooseA.value)];
    this.b = this.single ? this.a : this.rows[Number(this.chooseB.value)];
    this.classes = this.shownClasses();
    this.many = this.classes.length > FEW_CLASSES;
    this.round = this.many ? 10 : 100;
    this.drawCounts(this.find(".matrix-a"), this.single ? "" : "A", this.a);
    if (this.single) return;
    this.drawCounts(this.find(".matrix-b"), "B", this.b);
    this.tell();
    this.drawDifference();
    this.drawClasses();
    this.showExamples(...this.greatestDifference());
  }

  // All classes, or where they are too many those in which A and B err most, in their order.
  shownClasses() {
    const all = this.names.map((_, i) => i);
    if (all.length <= MOST_CLASSES) return all;
    const errors = all.map((i) =>
      all.reduce((sum, j) => {
        if (i === j) return sum;
        const [a, b] = [this.a.matrix, this.b.matrix];
        return sum + a[i][j] + b[i][j] + a[j][i] + b[j][i];
      }, 0),
    );
    const most = all.toSorted((i, j) => errors[j] - errors[i]).slice(0, MOST_CLASSES);
    return most.toSorted((i, j) => i - j);
  }

  tell() {
    const [low, high] = [this.chooseA.value, this.chooseB.value].map(Number).toSorted((i, j) => i - j);
    const lines = low === high ? ["A and B are the same row: choose two."] : this.data.verdicts[`${low} ${high}`];
    const paragraphs = lines.map((line, i) => element("p", { class: i ? "note" : "" }, line));
    if (low !== high && lines.length > 1) {
      const names = `${this.rows[low].name} minus ${this.rows[high].name}`;
      paragraphs[1].textContent = lines[1].replace(/^a minus b/, names);
    }
    this.find(".verdict").replaceChildren(...paragraphs);
  }

  // A table with a heading for each class; `cell` makes the inside of one from its two classes.
  table(label, attributes, cell) {
    const turned = this.classes.some((i) => this.names[i].length > 3);
    const name = (i) => element("span", { title: this.names[i] }, this.names[i]);
    const head = element("tr", {}, element("td", { class: "corner", style: "background:none" }));
    for (const i of this.classes) head.append(element("th", { scope: "col" }, name(i)));
    const body = element("tbody");
    for (const i of this.classes) {
      const row = element("tr", {}, element("th", { scope: "row", title: this.names[i] }, this.names[i]));
      for (const j of this.classes) row.append(cell(i, j));
      body.append(row);
    }
    const kind = `matrix${turned ? " turned" : ""}${this.many ? " many" : ""}`;
    const shown = { class: kind, "aria-label": label, ...attributes };
    const region = { class: "scroll", tabindex: attributes.role ? null : "0", role: "region", "aria-label": label };
    return element("div", region, element("table", { ...shown, style: `--classes:${this.classes.length}` }, element("thead", {}, head), body));
  }

  drawCounts(figure, side, row) {
    const highest = Math.max(1e-9, ...[this.a, this.b].flatMap(({ matrix }) =>
      this.classes.flatMap((i) => this.classes.map((j) => (i === j ? 0 : matrix[i][j])))));
    const table = this.table(`Confusion matrix of ${row.name}`, {}, (i, j) => {
      const count = row.matrix[i][j];
      const share = i === j ? (25 * count) / Math.max(1, this.data.support[i]) : 70 * Math.sqrt(count / highest);
      const kind = [i === j ? "right" : "", count === 0 ? "zero" : ""];
      const hue = i === j ? "--blue" : "--vermillion";
      const about = `${this.names[i]} taken for ${this.names[j]}: ${counted(count)}`;
      const style = `--hue:var(${hue});--share:${share.toFixed(1)}`;
      return element("td", { class: kind.join(" ").trim(), style, title: about }, count ? counted(count, this.round) : "·");
    });
    const heading = element("h4", {}, side ? `${side}: ${row.name}` : row.name);
    figure.replaceChildren(heading, table, element("figcaption", {}, this.legendOf(row)));
  }

  legendOf(row) {
    const text = "Rows are true classes, columns are answers.";
    if (this.classes.length === this.names.length) return text;
    let [all, inside] = [0, 0];
    const shown = new Set(this.classes);
    row.matrix.forEach((line, i) => line.forEach((count, j) => {
      if (i === j) return;
      all += count;
      if (shown.has(i) && shown.has(j)) inside += count;
    }));
    return `${text} Of ${this.names.length} classes the ${this.classes.length} with most mistakes: ` +
      `${counted(inside)} of ${counted(all)} mistakes are among them.`;
  }

  drawDifference() {
    const [a, b] = [this.a.matrix, this.b.matrix];
    const difference = (i, j) => Math.round(1e6 * (a[i][j] - b[i][j])) / 1e6;
    const highest = Math.max(1e-9, ...this.classes.flatMap((i) => this.classes.map((j) => Math.abs(difference(i, j)))));
    const table = this.table("A minus B", { role: "grid" }, (i, j) => {
      const value = difference(i, j);
      const share = 70 * Math.sqrt(Math.abs(value) / highest);
      const text = value === 0 ? "·" : (value > 0 ? "+" : "") + counted(value, this.round);
      const about = `${this.names[i]} taken for ${this.names[j]}: A ${counted(a[i][j])}, B ${counted(b[i][j])}`;
      return element("td", {
        class: [i === j ? "right" : "", value === 0 ? "zero" : ""].join(" ").trim(),
        style: `--hue:var(${value > 0 ? "--blue" : "--vermillion"});--share:${share.toFixed(1)}`,
        role: "gridcell", tabindex: "-1", title: about, "aria-label": about, "data-true": i, "data-answer": j,
      }, text);
    });
    const figure = this.find(".matrix-difference");
    const caption = element("figcaption", {},
      element("i", { class: "swatch", style: "--hue:var(--blue)" }), " more often with A, ",
      element("i", { class: "swatch", style: "--hue:var(--vermillion)" }), " with B. ",
      element("span", { class: "control" }, "Click a cell, or go to it by the arrow keys and press Enter, to see its images."));
    figure.replaceChildren(element("h4", {}, "Difference: A minus B"), table, caption);
    const grid = table.querySelector("table");
    grid.addEventListener("click", (event) => this.choose(event.target.closest("td[data-true]")));
    grid.addEventListener("keydown", (event) => this.move(event));
  }

  choose(cell) {
    if (cell) this.showExamples(Number(cell.dataset.true), Number(cell.dataset.answer));
  }

  // One cell of a grid is in the order of the Tab key, and the arrow keys go from it to the others.
  move(event) {
    const cell = event.target.closest("td[data-true]");
    if (!cell) return;
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.choose(cell);
    } else if (steps[event.key]) {
      event.preventDefault();
      const [down, right] = steps[event.key];
      const row = this.classes.indexOf(Number(cell.dataset.true)) + down;
      const column = this.classes.indexOf(Number(cell.dataset.answer)) + right;
      const next = this.cell(this.classes[row], this.classes[column]);
      if (next) {
        cell.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    }
  }

  cell(i, j) {
    return this.find(`.matrix-difference td[data-true="${i}"][data-answer="${j}"]`);
  }

  // The images labelled `i` that one row answers by `j` and the other does not.
  telling(i, j, one, other) {
    const found = [];
    for (let n = 0; n < this.labels.length; n++) {
      if (this.labels[n] === i && one.answer[n] === j && other.answer[n] !== j) found.push(n);
    }
    return found;
  }

  // The mistake, as true class and answer, by which most images tell A and B apart.
  greatestDifference() {
    const size = this.names.length;
    const counts = new Uint32Array(size * size);
    this.labels.forEach((label, n) => {
      const [a, b] = [this.a.answer[n], this.b.answer[n]];
      if (a === b) return;
      if (a !== label) counts[label * size + a]++;
      if (b !== label) counts[label * size + b]++;
    });
    const cell = counts.indexOf(counts.reduce((most, count) => Math.max(most, count), 0));
    return [Math.floor(cell / size), cell % size];
  }

  showExamples(i, j) {
    for (const cell of this.section.querySelectorAll(".matrix-difference td[data-true]")) {
      const chosen = Number(cell.dataset.true) === i && Number(cell.dataset.answer) === j;
      cell.setAttribute("aria-selected", String(chosen));
      cell.tabIndex = chosen ? 0 : -1;
    }
    if (!this.cell(i, j)) {
      const first = this.find(".matrix-difference td[data-true]");
      if (first) first.tabIndex = 0;
    }
    const heading = i === j ? `${this.names[i]}, and right` : `${this.names[i]} taken for ${this.names[j]}`;
    const parts = [element("h4", {}, heading)];
    for (const [name, one, otherName, other] of [["A", this.a, "B", this.b], ["B", this.b, "A", this.a]]) {
      parts.push(...this.list(i, j, name, one, otherName, other));
    }
    this.find(".examples").replaceChildren(...parts);
  }

  list(i, j, name, one, otherName, other) {
    const found = this.telling(i, j, one, other);
    const known = found.filter((n) => this.data.pictures[n] !== undefined);
    const shown = (known.length ? known : found).slice(0, MOST_EXAMPLES);
    const images = found.length === 1 ? "1 image" : `${found.length.toLocaleString("en")} images`;
    const rest = found.length > shown.length ? `, ${shown.length} of them shown` : "";
    const text = `By ${name} and not by ${otherName}: ${images}${rest}.`;
    if (!found.length) return [element("p", { class: "note" }, text)];
    const figures = shown.map((n) => element("figure", {}, this.picture(n), element("figcaption", {},
      element("span", {}, `${otherName}: ${this.names[other.answer[n]]}`), ...this.seedsRight(n))));
    return [element("p", { class: "note" }, text), element("div", { class: "pictures" }, ...figures)];
  }

  seedsRight(n) {
    if (this.a.seeds === 1 && this.b.seeds === 1) return [];
    const text = [["A", this.a], ["B", this.b]].map(([name, row]) => `${name} ${row.right[n]}/${row.seeds}`).join(", ");
    return [element("span", { title: "seeds that are right" }, `right: ${text}`)];
  }

  picture(n) {
    const png = this.data.pictures[n];
    if (png === undefined) return element("span", { class: "no-picture" }, `image ${this.index[n]}`);
    const alt = `test image ${this.index[n]}, a ${this.names[this.labels[n]]}`;
    return element("img", { src: `data:image/png;base64,${png}`, alt });
  }

  // The first pictures of some images.
  few(found) {
    const known = found.filter((n) => this.data.pictures[n] !== undefined);
    return known.slice(0, MOST_IN_LINE).map((n) => this.picture(n));
  }

  drawClasses() {
    const body = this.find(".by-class tbody");
    const right = (row, i) => `${counted(row.matrix[i][i])}`;
    body.replaceChildren(...this.names.map((name, i) => {
      const button = element("button", { type: "button", "aria-label": `examples of ${name}` }, "examples");
      button.addEventListener("click", () => {
        this.showExamples(i, i);
        this.find(".examples").scrollIntoView({ block: "nearest" });
      });
      const numbers = [this.data.support[i].toLocaleString("en"), right(this.a, i), right(this.b, i)];
      const only = [this.telling(i, i, this.a, this.b), this.telling(i, i, this.b, this.a)];
      return element("tr", {}, element("th", { scope: "row", class: "text" }, name),
        ...numbers.map((number) => element("td", {}, number)),
        ...only.map((found) => element("td", { class: "few" }, found.length.toLocaleString("en"), ...this.few(found))),
        element("td", { class: "control" }, button));
    }));
    for (const header of this.section.querySelectorAll(".by-class thead th")) header.removeAttribute("aria-sort");
  }
}

for (const table of document.querySelectorAll("table.sortable")) sortable(table);
for (const section of document.querySelectorAll("section.pairs")) new Pairs(section);
legends();
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});
drawCharts();
