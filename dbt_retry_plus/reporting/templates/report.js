"use strict";
(() => {
  const body = document.querySelector("#table tbody");
  const rows = [...body.rows];
  const texts = rows.map((row) => row.textContent.toLowerCase());
  const search = document.getElementById("search");
  const shown = document.getElementById("shown");
  const fates = new Set();

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    rows.forEach((row, index) => {
      const fits = (!fates.size || fates.has(row.dataset.fate)) && words.every((word) => texts[index].includes(word));
      row.hidden = !fits;
      number += fits ? 1 : 0;
    });
    const all = rows.length.toLocaleString("en");
    shown.textContent = number === rows.length ? `${all} nodes` : `${number.toLocaleString("en")} of ${all} nodes`;
  }

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(show, 80);
  });

  document.querySelectorAll("button.fate").forEach((button) => {
    button.addEventListener("click", () => {
      const pressed = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(pressed));
      fates[pressed ? "add" : "delete"](button.dataset.fate);
      show();
    });
  });

  const summaryOf = (row) => (row.querySelector("summary") || row.cells[0]).textContent.trim();
  const value = (row, column) => (column === 0 ? summaryOf(row) : row.cells[column].textContent.trim());

  document.querySelectorAll("button.sort").forEach((button) => {
    button.addEventListener("click", () => {
      const head = button.closest("th");
      const descending = head.getAttribute("aria-sort") === "ascending";
      document.querySelectorAll("th[aria-sort]").forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const column = Number(button.dataset.column);
      const numeric = column === 3;
      const keys = new Map(rows.map((row) => {
        const text = value(row, column);
        return [row, numeric ? (text === "" ? -1 : Number(text)) : text];
      }));
      const before = (a, b) => (keys.get(a) < keys.get(b) ? -1 : keys.get(a) > keys.get(b) ? 1 : 0);
      const sorted = [...rows].sort((a, b) => (descending ? before(b, a) : before(a, b)));
      body.append(...sorted);
    });
  });

  function find(number) {
    const row = document.getElementById(`n${number}`);
    if (row.hidden) {
      search.value = "";
      fates.clear();
      document.querySelectorAll("button.fate").forEach((button) => button.setAttribute("aria-pressed", "false"));
      show();
    }
    rows.forEach((other) => other.classList.toggle("found", other === row));
    const details = row.querySelector("details");
    if (details) {
      details.open = true;
      details.querySelector("summary").focus({ preventScroll: true });
    }
    row.scrollIntoView({ block: "center" });
  }

  document.querySelectorAll("[data-row]").forEach((mark) => {
    mark.addEventListener("click", (event) => {
      event.preventDefault();
      find(mark.dataset.row);
    });
  });
})();
