#!/usr/bin/env node
// The same program, which looks at the name that it is started under.
'use strict';

// oxlint-disable-next-line import/no-unassigned-import -- starting is what it is there for
require('./cfskit.js');
