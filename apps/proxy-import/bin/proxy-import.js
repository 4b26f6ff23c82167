#!/usr/bin/env node
// Plain old JavaScript, so that any Node.js can read it and say what is wrong instead of failing on the syntax.
'use strict';

var found = process.versions.node.split('.');
if (Number(found[0]) < 22 || (Number(found[0]) === 22 && Number(found[1]) < 18)) {
  process.stderr.write('proxy-import: Node.js 22.18 or newer is needed, this is ' + process.version + ' (' + process.execPath + ')\n');
  process.exit(1);
} else {
  // oxlint-disable-next-line import/no-unassigned-import -- starting is what it is there for
  require('./start.js');
}
