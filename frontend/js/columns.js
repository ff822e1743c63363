// Remembers the columns that were chosen for a listing in this browser. The server shows them (?columns=a&columns=b),
// so an export is what is on the screen; here a list opened without a choice in its address is asked for again with the kept one.
const asked = new Set();

export function startColumns(root) {
  for (const form of root.querySelectorAll("form[data-columns]")) {
    const key = `columns:${form.dataset.columns}`;
    form.addEventListener("submit", () => write(key, chosen(form)));
    const query = new URLSearchParams(location.search);
    const kept = read(key);
    if (!kept || !window.htmx || query.has("columns") || asked.has(key) || String(kept) === String(chosen(form))) continue;
    asked.add(key); // once a page: a kept column may no longer exist
    for (const name of kept) query.append("columns", name);
    const address = `${location.pathname}?${query}`;
    history.replaceState(history.state, "", address);
    window.htmx.ajax("GET", address, { target: "#listing", select: "#listing", swap: "outerHTML" });
  }
}

const chosen = (form) => new FormData(form).getAll("columns");

function read(key) {
  try {
    const kept = JSON.parse(localStorage.getItem(key));
    return Array.isArray(kept) && kept.length ? kept : null;
  } catch {
    return null;
  }
}

function write(key, names) {
  try {
    localStorage.setItem(key, JSON.stringify(names));
  } catch {
    // Storage is switched off: the choice lasts as long as the address.
  }
}
