// <form data-passkey="get|create" data-options="address of the question"> with a hidden input named credential. On submit the
// browser asks its passkeys, puts the answer into that input and sends the form. Binary values travel as base64url.
const decode = (text) => {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (char) => char.charCodeAt(0));
};
const encode = (buffer) => {
  const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};
const decodeIds = (list) => (list ?? []).map((one) => ({ ...one, id: decode(one.id) }));

// A form is asked once: a second question would make the answer to the first one wrong.
const started = new WeakSet();

export function startPasskeys(root) {
  for (const form of root.querySelectorAll("form[data-passkey]")) {
    if (started.has(form)) continue;
    started.add(form);
    if (!window.PublicKeyCredential) {
      say(form, "unsupported");
      continue;
    }
    for (const button of form.querySelectorAll("[data-passkey-button]")) button.hidden = false;
    form.addEventListener("submit", (event) => {
      if (form.elements.credential.value) return;
      event.preventDefault();
      answer(form);
    });
  }
}

async function answer(form) {
  const button = form.querySelector("[data-passkey-button]");
  say(form, "waiting");
  button.disabled = true;
  try {
    const { publicKey } = await question(form);
    publicKey.challenge = decode(publicKey.challenge);
    let credential;
    if (form.dataset.passkey === "create") {
      publicKey.user.id = decode(publicKey.user.id);
      publicKey.excludeCredentials = decodeIds(publicKey.excludeCredentials);
      credential = await navigator.credentials.create({ publicKey });
    } else {
      publicKey.allowCredentials = decodeIds(publicKey.allowCredentials);
      credential = await navigator.credentials.get({ publicKey });
    }
    form.elements.credential.value = JSON.stringify(plain(credential));
    form.submit();
  } catch (problem) {
    say(form, { NotAllowedError: "cancelled", InvalidStateError: "known", Stale: "stale" }[problem.name] ?? "failed");
    button.disabled = false;
    button.focus();
  }
}

// The question is fetched when it is needed: it holds for a few minutes only.
async function question(form) {
  const body = new URLSearchParams({ csrfmiddlewaretoken: form.elements.csrfmiddlewaretoken.value });
  const reply = await fetch(form.dataset.options, { method: "POST", body, headers: { Accept: "application/json" } });
  if (reply.redirected || !reply.ok) throw Object.assign(new Error(reply.status), { name: reply.redirected ? "Stale" : "Failed" });
  return reply.json();
}

function plain(credential) {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  return {
    id: credential.id,
    rawId: encode(credential.rawId),
    type: credential.type,
    clientExtensionResults: credential.getClientExtensionResults(),
    response: Object.fromEntries(parts.filter((name) => response[name]).map((name) => [name, encode(response[name])])),
  };
}

function say(form, name) {
  const area = form.querySelector("[data-passkey-said]");
  area.textContent = form.dataset[name] ?? "";
  area.hidden = !area.textContent;
}
