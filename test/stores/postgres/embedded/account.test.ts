import { spawnSync } from 'node:child_process'
import { chown, cp, mkdir, readdir, readlink, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { chooseAccount } from '../../../../stores/postgres/embedded/account.ts'
import { findBinaries } from '../../../../stores/postgres/embedded/binaries.ts'
import { openCluster } from '../../../../stores/postgres/embedded/cluster.ts'
import { launch } from '../../../../stores/postgres/embedded/launch.ts'
import type { startEmbeddedPostgres } from '../../../../stores/postgres/embedded/index.ts'
import { binaryPackage, copyFolder, copyPackage, copyProject, isRoot, keep, kept, killed, makeDataDir, makeFolder, nameless, namespacesOpen, nobody, runChild, start, until } from './support.ts'

t.test('as root', { buffered: true }, async t => {
  if (!isRoot) {
    t.comment('not root: the ways that only root has are not run; the ordinary way is what all other tests have just used')
    t.not(process.getuid?.(), 0)
    return
  }

  await t.test('in a user namespace, below a folder of mode 0700', async t => {
    const dataDir = join(await makeFolder(t), 'project/.data')
    if (!namespacesOpen) {
      t.comment('user namespaces are closed here: checking the refusal instead')
      await t.rejects(start(t, dataDir, { runAs: 'namespace' }), { message: /unshare[^]*DATABASE_URL/ })
      return
    }
    const first = await start(t, dataDir, { runAs: 'namespace' })
    t.match(first.logged.at(-1), { obj: { way: 'namespace', folder: join(dataDir, 'postgres') } })
    await keep(first.url, 'namespace')
    await first.stop()
    const second = await start(t, dataDir, { runAs: 'user' })
    t.strictSame(await kept(second.url), ['namespace'], 'a cluster that is there goes on as it began')
    t.match(second.logged.at(-1), { obj: { way: 'namespace' } })
    t.equal((await stat(join(dataDir, 'postgres'))).uid, 0)
  })

  await t.test('as another user, with project and DATA_DIR below a folder of mode 0700', async t => {
    const project = join(await makeFolder(t), 'project')
    await copyProject(project)
    await copyPackage(binaryPackage, project)
    const copied = await import(pathToFileURL(join(project, 'index.js')).href) as { startEmbeddedPostgres: typeof startEmbeddedPostgres }
    const dataDir = join(project, '.data')
    const first = await start(t, dataDir, { runAs: 'user' }, copied.startEmbeddedPostgres)
    await keep(first.url, 'user')
    const home = dirname(await readlink(join(dataDir, 'postgres')))
    t.match(home, /^\/var\/lib\/klatsch\/cluster-/, 'the cluster stands where that user can reach it')
    t.ok((await readdir(home)).some(name => name.startsWith('native-18')), 'with a copy of the binaries')
    t.not((await stat(join(dataDir, 'postgres'))).uid, 0)

    await t.rejects(start(t, dataDir, { runAs: 'user' }), { message: `in use by process ${process.pid}` })
    const copy = join(project, 'copy-of-data')
    await cp(dataDir, copy, { recursive: true, verbatimSymlinks: true })
    await rm(join(copy, 'klatsch.lock'))
    await t.rejects(start(t, copy), { message: `in use by process ${process.pid}` }, 'a copy of DATA_DIR cannot open the same cluster')
    await first.stop()

    const moved = join(project, 'moved-data')
    await rename(dataDir, moved)
    const second = await start(t, moved)
    t.strictSame(await kept(second.url), ['user'], 'a DATA_DIR that was moved keeps its data')
    await second.stop()

    await rename(home, `${home}-away`)
    await t.rejects(start(t, moved), { message: `points to ${home}, which is gone` }, 'without its data it does not begin anew in silence')
    await rename(`${home}-away`, home)

    await rm(join(home, 'postgres'), { recursive: true })
    const third = await start(t, moved)
    t.match(third.logged.at(-1), { obj: { new: true, folder: join(home, 'postgres') } }, 'killed before its first cluster was whole, it makes it there')
  })

  await t.test('binaries out of the other user\'s reach are copied, once for each version', async t => {
    const native = join(await makeFolder(t), 'package/native')
    await copyFolder(join(await findBinaries(), '..'), dirname(native))
    const dataDir = await makeFolder(t, 0o755)
    await mkdir(join(dataDir, 'native-17.0.0'))
    const account = await chooseAccount(dataDir, native, 'user')
    t.equal(dirname(account.native), dataDir)
    t.strictSame((await readdir(dataDir)).filter(name => name.startsWith('native-')), [account.native.slice(dataDir.length + 1)], 'those of an older version go')
    const { ino } = await stat(account.native)
    await chooseAccount(dataDir, native, 'user')
    t.equal((await stat(account.native)).ino, ino)
  })

  await t.test('binaries that do not run here', async t => {
    const dataDir = await makeFolder(t, 0o755)
    const native = join(await makeFolder(t), 'package/native')
    await mkdir(join(native, 'bin'), { recursive: true })
    await writeFile(join(native, '../package.json'), '{ "version": "18.0.0" }')
    await t.rejects(chooseAccount(dataDir, native, 'user'), { message: /does not run here: [^]*ENOENT[^]*DATABASE_URL/ })
    const account = { way: 'self' as const, home: dataDir, native, prefix: [], user: {} }
    await t.rejects(openCluster(account, false), { message: /initdb cannot make the embedded database[^]*ENOENT/ })
    t.notOk((await readdir(dataDir)).some(name => name.startsWith('postgres')), 'nothing half-made is left')
    const cluster = { folder: join(dataDir, 'postgres'), password: '', isNew: false }
    const options = { account, cluster, settings: {}, logFile: join(dataDir, 'postgres.log'), log: { info () {}, warn () {} } }
    await t.rejects(launch(options, 1, new AbortController().signal), { message: /does not start: spawn [^]*ENOENT/ })
  })

  await t.test('as another user, in a DATA_DIR that everybody can reach, such as a volume', async t => {
    const dataDir = await makeFolder(t, 0o755)
    const child = runChild(t, { dataDir, runAs: 'user' })
    const { url = '' } = await child.next('ready')
    await keep(url, 'in place')
    await killed(child)
    const next = await start(t, dataDir)
    t.strictSame(await kept(next.url), ['in place'])
    t.match(next.logged.at(-1), { obj: { way: 'user', folder: join(dataDir, 'postgres') } })
    t.equal((await stat(join(dataDir, 'postgres'))).uid, nobody.uid)
  })

  await t.test('where user namespaces are closed: another user for a new cluster, a clear end for one of root', async t => {
    let before = [process.execPath]
    if (namespacesOpen) {
      // A namespace of all users, in which the kernel grants no further one: closed for real, for this child only.
      // The second shell begins when its uid is mapped: only then it has the rights of root in there.
      before = ['unshare', '--user', '--', 'sh', '-c', 'read _ && exec sh -c \'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"\' sh "$@"', 'sh', process.execPath]
    } else {
      t.comment('user namespaces are closed on this machine: no need to close them')
    }
    async function runClosed (dataDir: string) {
      const child = runChild(t, { dataDir, before })
      if (!namespacesOpen) return child
      await until('the namespace is there', async () => await readlink(`/proc/${child.pid}/ns/user`) !== await readlink('/proc/self/ns/user'))
      for (const map of ['uid_map', 'gid_map']) await writeFile(`/proc/${child.pid}/${map}`, '0 0 4294967295')
      child.process.stdin?.end('\n')
      return child
    }
    const child = await runClosed(join(await makeFolder(t), 'data'))
    t.match((await child.next('info')).info, { way: 'user' })
    child.process.kill('SIGINT')
    t.equal((await child.next('closed')).answer, 42)

    if (!namespacesOpen) return
    const { message } = await (await runClosed(await makeDataDir(t))).next('failed')
    t.match(message, /unshare [^]* does not run here: [^]*belongs to root, so it can run in a user namespace only[^]*DATABASE_URL/)
  })
})

t.test('as an ordinary user', { buffered: true }, async t => {
  if (!isRoot) {
    t.comment(`not root: uid ${process.getuid?.()} is an ordinary user, and all tests above have run as it`)
    t.not(process.getuid?.(), 0)
    return
  }
  const folder = await makeFolder(t, 0o755)
  const project = join(folder, 'project')
  await copyProject(project)
  await copyPackage(binaryPackage, project)
  // A node below /root is out of reach for others.
  const reachable = spawnSync(process.execPath, ['--version'], nobody).status === 0
  if (!reachable) await cp(process.execPath, join(folder, 'node'))
  const before = [reachable ? process.execPath : join(folder, 'node')]

  for (const [name, user] of Object.entries({ nobody, 'a uid without a name': nameless })) {
    await t.test(name, async t => {
      const dataDir = join(folder, String(user.uid), 'data')
      await mkdir(dirname(dataDir), { mode: 0o700 })
      await chown(dirname(dataDir), user.uid, user.gid)
      const options = { dataDir, project, before, ...user, env: { PATH: process.env.PATH } }
      const first = runChild(t, options)
      if (user === nameless && !namespacesOpen) {
        t.comment('user namespaces are closed here, and initdb needs a name: checking the refusal instead')
        t.match((await first.next('failed')).message, 'DATABASE_URL')
        return
      }
      t.match((await first.next('info')).info, { way: user === nobody ? 'self' : 'namespace', folder: join(dataDir, 'postgres') })
      const { url = '' } = await first.next('ready')
      await keep(url, name)
      t.equal((await stat(join(dataDir, 'postgres'))).uid, user.uid)
      await killed(first)
      const second = runChild(t, options)
      t.match((await second.next('warn')).message, 'stopped the PostgreSQL that an earlier process has left behind')
      t.strictSame(await kept((await second.next('ready')).url ?? ''), [name])
      second.process.kill('SIGINT')
      await second.next('closed')

      const asRoot = await start(t, dataDir)
      t.strictSame(await kept(asRoot.url), [name], 'root can go on with it')
      t.match(asRoot.logged.at(-1), { obj: { way: 'user' } }, 'as its owner')
      await asRoot.stop()
      const third = runChild(t, options)
      t.strictSame(await kept((await third.next('ready')).url ?? ''), [name], 'and gives it back')
      third.process.kill('SIGINT')
      await third.next('closed')
    })
  }
})
