// Compiles the TypeScript package in a directory once, for workers that then start in half the time.
'use strict';

const fs = require('node:fs');
const { cacheFile, compiler, translator } = require('./typescript.js');

const TRIAL = `
import { readFile } from 'node:fs/promises';
enum Colour { Red, Green }
interface Named { name: string }
class Box<T extends Named> { constructor(private readonly value: T) {} get name(): string { return this.value.name; } }
const box: Box<Named> = new Box({ name: 'box' } as Named);
async function read(path: string): Promise<string> { return (await readFile(path)).toString(); }
`;

const [directory] = process.argv.slice(2);
const { ts, script } = compiler(directory);
const { problem } = translator(ts)(TRIAL);
if (problem) throw new Error(problem.message);
const file = cacheFile(directory);
fs.writeFileSync(`${file}.new`, script.createCachedData());
fs.renameSync(`${file}.new`, file);
