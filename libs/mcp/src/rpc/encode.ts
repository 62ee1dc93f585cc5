/** `{"jsonrpc":"2.0","id":<idJson>,"method":…,"params":…}` as bytes. `params` is JSON text. */
export function encodeRequest(_idJson: string | number, _method: string, _params?: Buffer | string): Buffer {
  throw new Error('pending');
}

export function encodeNotification(_method: string, _params?: Buffer | string): Buffer {
  throw new Error('pending');
}

/** `result` is JSON text, spliced in untouched. */
export function encodeResult(_idJson: string | number, _result: Buffer | string): Buffer {
  throw new Error('pending');
}

/** `error` is the JSON text of the whole error object. */
export function encodeError(_idJson: string | number | null, _error: Buffer | string): Buffer {
  throw new Error('pending');
}

/** JSON text of an error object. */
export function errorObject(_code: number, _message: string, _data?: unknown): string {
  throw new Error('pending');
}
