// How many columns: the number that makes the pictures largest without scrolling. Pure arithmetic, no page.

/** Columns and the width of a tile for `count` pictures of shape `aspect` in a room of `width` by `height`. */
export function arrange({ count, aspect, width, height, gap }) {
  let best = { columns: 1, tile: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const rows = Math.ceil(count / columns);
    const across = (width - gap * (columns - 1)) / columns;
    const down = ((height - gap * (rows - 1)) / rows) * aspect;
    const tile = Math.floor(Math.min(across, down));
    if (tile > best.tile) best = { columns, tile };
  }
  return best;
}

/** Below this width tiles are stacked and the page scrolls: a phone. */
export const STACK_BELOW_PX = 700;
