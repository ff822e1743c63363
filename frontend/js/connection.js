// When htmx cannot reach the server, say so where a screen reader hears it, and say that nothing was lost.
export function startConnection() {
  const say = (name) => {
    const area = document.getElementById("alerts");
    const words = area?.dataset[name];
    if (!words) return;
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.textContent = words;
    area.replaceChildren(notice);
  };
  document.addEventListener("htmx:sendError", () => say("offline"));
  document.addEventListener("htmx:timeout", () => say("offline"));
  document.addEventListener("htmx:responseError", () => say("refused"));
  document.addEventListener("htmx:beforeRequest", () => document.getElementById("alerts")?.replaceChildren());
}
