/** A setup file for runs that are compared with one another: properties try the same few cases each time, and don't shrink. */

import fc from "fast-check";

fc.configureGlobal({ seed: 20_261_123, numRuns: 50, endOnFailure: true });
