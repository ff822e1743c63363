// Something does not hold. `code` names the sentence (engine/data/messages), `params` fill it in.
export class Failure extends Error {
  constructor(code, params = {}) {
    super(code);
    this.code = code;
    this.params = params;
  }
}

export function fail(code, params) {
  throw new Failure(code, params);
}
