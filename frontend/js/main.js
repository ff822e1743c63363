// Everything here makes a page pleasanter; nothing here is needed to use it.
import { startColumns } from "./columns.js";
import { startConnection } from "./connection.js";
import { startCopy } from "./copy.js";
import { startDialogs } from "./dialog.js";
import { startFiles } from "./file.js";
import { startMenus } from "./menu.js";
import { startPasskeys } from "./passkey.js";
import { startPrint } from "./print.js";
import { startWhen } from "./when.js";

startDialogs();
startCopy();
startMenus();
startPrint();
startConnection();

// These prepare elements, so they run again on what htmx brings in.
const prepare = (root) => {
  startColumns(root);
  startFiles(root);
  startPasskeys(root);
  startWhen(root);
  for (const element of root.querySelectorAll("[data-needs-script]")) element.hidden = false;
};
const ready = () => {
  prepare(document);
  document.body.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
};
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
else ready();
