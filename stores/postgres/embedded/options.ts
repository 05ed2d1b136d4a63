export interface EmbeddedLog {
  info: (obj: object, msg: string) => void
  warn: (obj: object, msg: string) => void
}

export interface EmbeddedOptions {
  /** DATA_DIR: holds the cluster (`postgres`), its log (`postgres.log`) and the lock. Made with mode 0700 if missing. */
  dataDir: string
  log: EmbeddedLog
  /**
   * How root on Linux runs PostgreSQL, which refuses root: in a user namespace of its own, or as another user.
   * Default: the namespace where the system allows it, else the other user. Only asked when a cluster is made:
   * an existing one belongs to somebody and goes on as that user. Without effect for an ordinary user.
   */
  runAs?: 'namespace' | 'user'
  /** settings of postgresql.conf on top of ours, such as `{ fsync: 'off' }` for tests */
  settings?: Record<string, string>
}

export interface EmbeddedPostgres {
  /** connection string of the database `klatsch`; stays the same while this process runs */
  url: string
  /** fast shutdown; settles within about 12 s and may be called more than once */
  stop: () => Promise<void>
}
