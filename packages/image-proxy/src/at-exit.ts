/** What is to be done when this process ends: exiting is a matter of the whole process, and so is this list. */
const duties = new Set<() => void>();

/**
 * Do something when the process ends, whatever ends it but a signal that cannot be caught. It must be synchronous.
 *
 * One listener serves all: Node warns of a leak when there are more than ten.
 *
 * @returns a function that takes it back
 */
export function atExit(duty: () => void): () => void {
  if (duties.size === 0) process.on('exit', doDuties);
  duties.add(duty);
  return () => {
    if (duties.delete(duty) && duties.size === 0) process.off('exit', doDuties);
  };
}

function doDuties(): void {
  for (const duty of duties) duty();
}
