import { readFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';
import { describe, expect, it } from 'vitest';

describe('the generated types', () => {
  it("are those of the server's schema", async () => {
    const schema = JSON.parse(readFileSync('openapi.json', 'utf8')) as object;
    const made = astToString(await openapiTS(JSON.stringify(schema)));
    const written = readFileSync('src/protocol/openapi.ts', 'utf8');
    expect(written.slice(written.indexOf('export interface paths')).trim()).toBe(made.trim());
  });
});
