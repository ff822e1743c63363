// .drop: says what was chosen and how large it is, refuses early what the server would refuse, takes a dropped file.
export function startFiles(root) {
  for (const drop of root.querySelectorAll(".drop")) {
    const input = drop.querySelector('input[type="file"]');
    const said = drop.querySelector(".chosen");
    input.addEventListener("change", () => {
      const limit = Number(drop.dataset.maxBytes) || Infinity;
      const files = [...input.files];
      const large = files.find((file) => file.size > limit);
      input.setCustomValidity(large ? drop.dataset.tooLarge : "");
      said.textContent = large ? drop.dataset.tooLarge : files.map((file) => `${file.name} (${size(file.size)})`).join(", ");
      if (large) input.reportValidity();
    });
    for (const name of ["dragover", "dragenter"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.add("over");
      });
    }
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      if (!event.dataTransfer.files.length) return;
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }
}

const size = (bytes) => (bytes < 1048576 ? `${Math.ceil(bytes / 1024)} KB` : `${(bytes / 1048576).toFixed(1)} MB`);
