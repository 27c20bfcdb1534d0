// How many columns: the number that makes the pictures largest without scrolling. Pure arithmetic, no page.

/** A picture whose shape differs from its tile's by no more than this factor fills the tile and loses a narrow edge. */
const FILLS_UP_TO = 1.09;

/**
 * Columns, and the tiles' width and height, for `count` pictures of shape `aspect` in a room of `width` by `height`.
 * The tiles share the whole room; a picture that has another shape than its tile is framed in it.
 */
export function arrange({ count, aspect, width, height, gap }) {
  let best = { columns: 1, width: 0, height: 0, picture: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = Math.max(0, Math.floor((width - gap * (columns - 1)) / columns));
    const down = Math.max(0, Math.floor((height - gap * (rows - 1)) / rows));
    const picture = Math.floor(Math.min(across, down * aspect));
    if (picture > best.picture) best = { columns, width: across, height: down, picture };
  }
  return best;
}

/** Whether a picture of shape `picture` fills a tile of shape `tile` rather than being framed in it. */
export function fills(picture, tile) {
  return Math.max(picture / tile, tile / picture) <= FILLS_UP_TO;
}

/** Below this width tiles are stacked and the page scrolls: a phone. */
export const STACK_BELOW_PX = 700;
