declare const MILLRACE_VERSION: string | undefined;

/** The version of this build: set by the bundler from package.json, `dev` when run from source. */
export const version = typeof MILLRACE_VERSION === 'string' ? MILLRACE_VERSION : 'dev';
