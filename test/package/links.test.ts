/** The links of what is written for users lead somewhere, and to what is in the package. */
import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { root as checkout } from '../support/root';

/** With slashes, as links and npm have them. */
const { dirname, join, relative } = posix;
const root = checkout.replaceAll('\\', '/');

const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  files: string[];
};
/** npm packs these without being asked. */
const packed = [...files, 'README.md', 'LICENSE', 'package.json'];
const isPacked = (file: string): boolean =>
  packed.some((entry) => file === entry || file.startsWith(`${entry}/`));

const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** As GitHub makes them of headings. */
function anchorsOf(page: string): Set<string> {
  const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```$/gm, '');
  const headings = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading as string);
  return new Set(
    headings.map((heading) =>
      heading
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replace(/ /g, '-'),
    ),
  );
}

describe('links', () => {
  for (const page of pages) {
    it(page, () => {
      const text = readFileSync(join(root, page), 'utf8');
      for (const [, target, anchor] of text.matchAll(/\]\(([^)#\s]*)(?:#([^)]*))?\)/g)) {
        if (/^[a-z]+:/.test(target as string)) continue;
        const file = target ? relative(root, join(root, dirname(page), target)) : page;
        assert.ok(existsSync(join(root, file)), `${page}: ${file} is not there`);
        assert.ok(isPacked(file), `${page}: ${file} is not in the package`);
        if (anchor) assert.ok(anchorsOf(file).has(anchor), `${page}: ${file}#${anchor}`);
      }
    });
  }

  it('the package says where it comes from', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      repository: { url: string };
      homepage: string;
      bugs: { url: string };
    };
    const [, place] = /^git\+(https:\/\/.*)\.git$/.exec(manifest.repository.url) ?? [];
    assert.ok(place);
    assert.equal(manifest.homepage, `${place}#readme`);
    assert.equal(manifest.bugs.url, `${place}/issues`);
  });
});
