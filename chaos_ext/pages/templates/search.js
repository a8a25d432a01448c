"use strict";
// Shows the rows that hold every word that is typed. Without it the whole table is there.
(() => {
  const box = document.getElementById("search");
  if (!box) return;
  const told = document.getElementById("found");
  const rows = Array.from(document.querySelectorAll("tbody tr"), (row) => [row, (row.textContent + " " + (row.dataset.words || "")).toLowerCase().normalize("NFKC")]);
  box.parentElement.hidden = false;
  const look = () => {
    const words = box.value.toLowerCase().normalize("NFKC").split(/\s+/).filter(Boolean);
    let count = 0;
    for (const [row, text] of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      count += row.hidden ? 0 : 1;
    }
    told.textContent = words.length ? told.dataset.of.replace("{count}", count).replace("{of}", rows.length) : "";
  };
  box.addEventListener("input", look);
  look(); // a browser that goes back keeps what was typed
})();
