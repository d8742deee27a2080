import { type Logger as PinoLogger, pino } from 'pino';
import { redact } from './redact.ts';

/** Structured logger; `fields` carry identifiers (`controller`, `name`, `namespace`), never secrets. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
  /** A logger that adds `fields` to every line. */
  with(fields: Record<string, unknown>): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** JSON lines with `level`, `ts` and `msg`, the keys that `flux logs` reads (spec/source.md §10). */
export function createLogger(level: LogLevel, destination: NodeJS.WritableStream = process.stderr): Logger {
  const root = pino(
    {
      level,
      messageKey: 'msg',
      base: null,
      timestamp: () => `,"ts":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return wrap(root);
}

function wrap(target: PinoLogger): Logger {
  const write = (level: LogLevel) => (message: string, fields?: Record<string, unknown>) => {
    target[level](fields ?? {}, redact(message));
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: (fields) => wrap(target.child(fields)),
  };
}

/** Drops every line; for library use and tests. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  with: () => silentLogger,
};
