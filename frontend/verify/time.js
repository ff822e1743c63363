// Moments are written 2026-04-20T01:30:00Z and compared as texts; sums are made in milliseconds.
export const HOUR = 3600000;
const FIRST_YEAR = "2000";
export const LAST_YEAR = "2200";
export const millis = (text) => Date.parse(text);
export const instantText = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

// A day of the civil calendar as the number of days since 1970-01-01.
export const dayNumber = (text) => Date.parse(`${text}T00:00:00Z`) / 86400000;

export function isInstant(text) {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return false;
  if (text.slice(0, 4) < FIRST_YEAR || text.slice(0, 4) > LAST_YEAR) return false;
  const ms = Date.parse(text);
  return !Number.isNaN(ms) && instantText(ms) === text;
}

export const isDay = (text) => typeof text === "string" && /^\d{4}-\d\d-\d\d$/.test(text) && isInstant(`${text}T00:00:00Z`);
