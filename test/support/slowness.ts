/** How many times longer things may take here: emulated, everything does. By VWS_SLOWNESS; usually 1. */
export const slowness = Number(process.env.VWS_SLOWNESS ?? 1);
