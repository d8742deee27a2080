// Bundles the CLI and the library entry points into dist/, split so that a command loads only what it needs.
import { chmod, readFile, rm } from 'node:fs/promises';
import { build } from 'esbuild';

const { version } = JSON.parse(await readFile('package.json', 'utf8'));

/** Commander loads child_process for subcommands that are programs of their own; there are none, and it takes 5 ms. */
const withoutPrograms = {
  name: 'commander-without-programs',
  setup(bundler) {
    bundler.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
      /[\\/]commander[\\/]lib[\\/]/.test(importer) ? { path: 'none', namespace: 'commander-programs' } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: 'commander-programs' }, () => ({ contents: 'module.exports = {};' }));
  },
};

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: {
    millrace: 'src/bin.ts',
    index: 'src/index.ts',
    images: 'src/images/index.ts',
    kustomize: 'src/kustomize/index.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  // The ES modules of a package, where it has them: they can be imported on demand by name, and cut to what is used.
  mainFields: ['module', 'main'],
  target: 'node20',
  minifySyntax: true,
  sourcemap: 'linked',
  chunkNames: 'chunks/[name]-[hash]',
  define: { MILLRACE_VERSION: JSON.stringify(version) },
  // Some dependencies are CommonJS and call require for Node's own modules.
  banner: {
    js: "import { createRequire as millraceRequire } from 'node:module'; const require = millraceRequire(import.meta.url);",
  },
  plugins: [withoutPrograms],
  logLevel: 'warning',
});
await chmod('dist/millrace.js', 0o755);
