import { startGitHttpServer } from '../../test/support/git-http-server.ts';

/** Serves a folder of repositories from a process of its own, and prints where. */
const [root = '.'] = process.argv.slice(2);
const server = await startGitHttpServer({ root });
console.log(server.url);
process.stdin.resume().on('end', () => process.exit(0));
