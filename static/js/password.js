// A guest's password, decrypted here: RSA with PKCS #1 v1.5 padding, which WebCrypto does not have. The key leaves the page nowhere.
import { $ } from "./ui.js";

const card = $("[data-password]"), area = $("[data-private]", card), wrong = $("[data-wrong]", card);

const bytesOf = text => Uint8Array.from(atob(text.replace(/\s+/g, "")), sign => sign.charCodeAt(0));
const number = bytes => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);

// One element of DER at `at`: its content, and where the next one begins.
function element(bytes, at) {
  let size = bytes[at + 1], from = at + 2;
  if (size & 0x80) { const count = size & 0x7f; size = Number(number(bytes.subarray(from, from + count))); from += count; }
  return { body: bytes.subarray(from, from + size), next: from + size };
}
function elements(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length;) { const one = element(bytes, at); found.push(one.body); at = one.next; }
  return found;
}
function ofPkcs1(bytes) {
  const [, modulus, , exponent] = elements(element(bytes, 0).body);
  return { modulus: number(modulus), exponent: number(exponent), size: modulus[0] ? modulus.length : modulus.length - 1 };
}
function ofOpenssh(bytes) {
  let at = "openssh-key-v1\0".length;
  const view = new DataView(bytes.buffer), text = piece => new TextDecoder().decode(piece);
  const next = () => { const size = view.getUint32(at), from = at + 4; at = from + size; return bytes.subarray(from, at); };
  if (text(next()) !== "none") throw new Error("encrypted");
  next(); next(); at += 4; next();
  at += 4 + 8; // the length of the private part, and its two checks
  if (text(next()) !== "ssh-rsa") throw new Error("no RSA");
  const modulus = next();
  next();
  return { modulus: number(modulus), exponent: number(next()), size: modulus[0] ? modulus.length : modulus.length - 1 };
}
function read(text) {
  const found = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text);
  const bytes = bytesOf(found[2]);
  if (found[1].startsWith("RSA")) return ofPkcs1(bytes);
  if (found[1].startsWith("OPENSSH")) return ofOpenssh(bytes);
  return ofPkcs1(elements(element(bytes, 0).body)[2]);
}
function power(base, exponent, modulus) {
  let result = 1n, factor = base % modulus;
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) result = result * factor % modulus;
    factor = factor * factor % modulus;
  }
  return result;
}
function decrypted(key) {
  const hex = power(number(bytesOf(card.dataset.password)), key.exponent, key.modulus).toString(16).padStart(2 * key.size, "0");
  const bytes = Uint8Array.from(hex.match(/../g), pair => Number.parseInt(pair, 16)), end = bytes.indexOf(0, 2);
  if (bytes[0] !== 0 || bytes[1] !== 2 || end < 10) throw new Error("another key");
  return new TextDecoder().decode(bytes.subarray(end + 1));
}
function show() {
  wrong.textContent = "";
  $("[data-opened]", card).hidden = true;
  let key;
  try { key = read(area.value); } catch { wrong.textContent = wrong.dataset.saidUnread; return; }
  try { $("[data-plain]", card).textContent = decrypted(key); } catch { wrong.textContent = wrong.dataset.saidOther; return; }
  $("[data-opened]", card).hidden = false;
}
$("[data-decrypt]", card)?.addEventListener("click", show);
$("[data-private-file]", card)?.addEventListener("change", async event => { const file = event.target.files[0]; if (file) { area.value = await file.text(); show(); } });
