// Where something in a rewritten text comes from. Lines and columns count from 1, offsets from 0.
'use strict';

function starts(text) {
  const found = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) found.push(at + 1);
  return found;
}

/** Return the last index of a sorted list whose element is at most `wanted`. */
function lastAtMost(list, wanted, key = (each) => each) {
  let low = 0;
  for (let high = list.length - 1; low < high; ) {
    const middle = (low + high + 1) >> 1;
    if (key(list[middle]) <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** A text that knows its lines. */
class Lines {
  constructor(text) {
    this.starts = starts(text);
    this.length = text.length;
  }

  offset(line, column) {
    const index = Math.min(Math.max(line, 1), this.starts.length) - 1;
    return Math.min(this.starts[index] + column - 1, this.length);
  }

  position(offset) {
    const index = lastAtMost(this.starts, offset);
    return { line: index + 1, column: offset - this.starts[index] + 1 };
  }
}

/**
 * A text put together of pieces of another one, and of additions: pieces `{text, from}`, where `from` is an offset in
 * the original, or null. `shift` is what the original had in front of the user's text.
 */
class Pieced {
  constructor(pieces, original, shift = 0) {
    this.text = pieces.map((piece) => piece.text).join('');
    this.generated = new Lines(this.text);
    this.original = new Lines(original);
    this.shift = shift;
    this.table = [];
    let at = 0;
    let from = shift;
    for (const piece of pieces) {
      // What was added stands for what follows it, or else for the end of what came before it.
      this.table.push({ at, from: piece.from ?? from, length: piece.from === null ? 0 : piece.text.length });
      at += piece.text.length;
      if (piece.from !== null) from = piece.from + piece.text.length;
    }
  }

  /** Return the position in the user's text of one in the generated text. */
  back({ line, column }) {
    const offset = this.generated.offset(line, column);
    const piece = this.table[lastAtMost(this.table, offset, (each) => each.at)];
    const from = piece.from + Math.min(offset - piece.at, piece.length) - this.shift;
    return this.original.position(Math.min(Math.max(from, 0), this.original.length));
  }
}

module.exports = { Pieced };
