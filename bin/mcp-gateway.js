#!/usr/bin/env node
// Nothing is imported before the version check, and the syntax is old on purpose: an old Node must get as far as the
// sentence that says what to do.
const NEEDED = [22, 19];

function isNewEnough(version) {
  const parts = version.split('.').map(Number);
  return parts[0] > NEEDED[0] || (parts[0] === NEEDED[0] && parts[1] >= NEEDED[1]);
}

function stop(sentence) {
  process.stderr.write(`mcp-gateway: ${sentence}\n`);
  process.exit(1);
}

/** The checkout brings its own Node (the devDependency `node`), which serves where the machine's is too old. */
function runWithOwnNode(own, spawn) {
  const child = spawn(own, process.argv.slice(1), {
    // Over the fourth, which says nothing, the child learns that this process is gone, however it ended.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: Object.assign({}, process.env, { MCP_GATEWAY_OWN_NODE: '1' }),
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => stop(`could not start ${own}: ${error.message}`));
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

Promise.all([import('node:path'), import('node:fs'), import('node:url'), import('node:child_process')])
  .then(([path, fs, url, children]) => {
    const root = path.join(path.dirname(url.fileURLToPath(import.meta.url)), '..');
    const own = path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
    const version = process.versions.node;
    if (!isNewEnough(version)) {
      if (!process.env.MCP_GATEWAY_OWN_NODE && fs.existsSync(own)) return runWithOwnNode(own, children.spawn);
      const needed = NEEDED.join('.');
      return stop(`needs Node.js ${needed} or newer and this is ${version}; install Node 24 from https://nodejs.org`);
    }
    if (process.env.MCP_GATEWAY_OWN_NODE && process.channel) {
      process.channel.unref();
      process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
    }
    delete process.env.MCP_GATEWAY_OWN_NODE;
    // In few files, as `npm run build` leaves it, or in many, as `npm run start:dev` does.
    const entries = ['command', 'apps/gateway/src'].map((folder) => path.join(root, 'dist', folder, 'main.js'));
    const entry = entries.find((file) => fs.existsSync(file));
    if (entry === undefined) return stop(`is not built yet; run \`npm run build\` in ${path.resolve(root)}`);
    return import(url.pathToFileURL(entry).href);
  })
  .catch((error) => stop(error instanceof Error ? error.stack : String(error)));
