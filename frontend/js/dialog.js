// <a data-dialog="id" href="#id"> opens <dialog id>. Without script the address opens it (:target in the style sheet).
export function startDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset.dialog);
      if (!dialog?.showModal) return;
      event.preventDefault();
      dialog.showModal();
      return;
    }
    const closer = event.target.closest("[data-close]");
    const dialog = closer?.closest("dialog");
    if (dialog?.open) {
      event.preventDefault();
      dialog.close();
    }
  });
}
