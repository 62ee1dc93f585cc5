import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folders of the packages that files belong to, each once, sorted. */
export function packagesOf(files) {
  return [...new Set(files.map(packageOf))].sort();
}

/** The licence texts of packages, one after the other, as their licences ask for. */
export function noticesOf(folders) {
  const head = `The files of this folder contain parts of the ${folders.length} packages below.`;
  return `${[head, ...folders.map(notice)].join(`\n\n${'-'.repeat(100)}\n\n`)}\n`;
}

function packageOf(file) {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    // Packages have further package.json inside, without a version, which only say how their files are to be read.
    if (existsSync(join(folder, 'package.json')) && describe(folder).version) return folder;
  }
  throw new Error(`${file} belongs to no package`);
}

function notice(folder) {
  const { name, version, license, author, repository } = describe(folder);
  const texts = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(?:licen[cs]e|copying|notice)/i.test(entry.name))
    .map((entry) => readFileSync(join(folder, entry.name), 'utf8').trim());
  const said = [author?.name ?? author, repository?.url ?? repository].filter((one) => typeof one === 'string');
  return [`${name} ${version} (${license ?? 'licence in the text below'})`, ...(texts.length > 0 ? texts : said)].join(
    '\n\n',
  );
}

function describe(folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
}
