// over/under in lowest terms, as Python writes a Fraction. Both are numbers, or both are BigInts.
export function fraction(over, under) {
  let [a, b] = [over, under];
  while (b) [a, b] = [b, a % b];
  return under === a ? String(over / a) : `${over / a}/${under / a}`;
}
