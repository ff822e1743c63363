// [data-when]: fields that one answer calls for, folded until it is chosen. What holds something or is at fault stays in sight.
export function startWhen(root) {
  for (const block of root.querySelectorAll("[data-when]")) {
    const { when, whenValue } = block.dataset;
    const form = block.closest("form");
    const fields = [...block.querySelectorAll("input, select, textarea")];
    const fold = () => {
      const asked = form.elements[when].value === whenValue;
      block.hidden = !asked && !block.querySelector(".invalid") && !fields.some((field) => field.value);
    };
    form.addEventListener("change", (event) => {
      if (event.target.name === when) fold();
    });
    // A browser that goes back fills the form in after the scripts have run.
    addEventListener("pageshow", fold);
    fold();
  }
}
