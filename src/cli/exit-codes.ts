/** Exit codes, the same for every command (docs/cli.md). Diagnosis commands use `failed` for findings. */
export const exitCodes = {
  ok: 0,
  /** The command did its work and the answer is bad news, or an operation failed. */
  failed: 1,
  /** The command line or an input is wrong, or the question could not be examined. */
  usage: 2,
  /** Ended by Ctrl-C, as shells report it. */
  interrupted: 130,
} as const;
