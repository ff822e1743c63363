// <button data-copy="text" data-done="已复制">. The clipboard interface needs https; an office network often has none.
export function startCopy() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const done = await copy(button.dataset.copy);
    const label = button.querySelector("[data-label]") ?? button;
    const said = done ? button.dataset.done : button.dataset.failed;
    if (said) label.textContent = said;
  });
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
