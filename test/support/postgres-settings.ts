/**
 * Test data need not survive a power cut: without waiting for the disk a database is made in a tenth of the time. What is
 * committed still survives `kill -9` of PostgreSQL, because a commit waits until the operating system has it; tests count on that.
 */
export const testSettings = { fsync: 'off', full_page_writes: 'off' }
