/** A project in a folder of its own, with this package and copies of ws in its node_modules. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { spawn } from 'node:child_process';
import { root } from '../support/root';

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class Project {
  readonly folder = mkdtempSync(join(tmpdir(), 'vws-project-'));

  constructor() {
    this.write('package.json', '{ "private": true }');
    this.link('verawebsockets', root);
    this.link('ws', join(root, 'node_modules', 'ws'));
  }

  link(name: string, target: string): void {
    const file = join(this.folder, 'node_modules', name);
    mkdirSync(dirname(file), { recursive: true });
    symlinkSync(target, file, 'junction');
  }

  write(name: string, text: string): string {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /** A package `name` that exports its own copy of ws, of this version; the copy is the string 'ws VERSION'. */
  nestWs(name: string, version: string): void {
    const copy = `node_modules/${name}/node_modules/ws`;
    this.write(`${copy}/package.json`, JSON.stringify({ name: 'ws', version }));
    this.write(`${copy}/index.js`, `module.exports = 'ws ${version}';`);
    this.write(`node_modules/${name}/index.js`, `module.exports = require('ws');`);
  }

  run(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
    const child = spawn(process.execPath, args, {
      cwd: this.folder,
      env: { ...process.env, ...env },
    });
    const ended: Ended = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (ended.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (ended.stderr += text));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => resolve({ ...ended, code }));
    });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
