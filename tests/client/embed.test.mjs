// Related rows in one request.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, ok } from '../support/clients.mjs'
import { library } from '../support/library.mjs'

let app, guest
before(async () => {
  app = await library()
  guest = client(app)
})
after(() => app?.down())

test('many-to-one is an object, or null', async () => {
  const rows = ok(await guest.from('books').select('id, authors!author_id(name)').in('id', [3, 6]).order('id'))
  assert.deepEqual(rows, [{ id: 3, authors: { name: 'Stanisław Lem' } }, { id: 6, authors: null }])
})

test('one-to-many is a list, empty when there is nothing', async () => {
  const rows = ok(await guest.from('authors').select('id, books!author_id(title)').in('id', [3, 4]).order('id'))
  assert.deepEqual(rows, [{ id: 3, books: [{ title: 'Kindred' }] }, { id: 4, books: [] }])
})

test('one-to-one is an object from both sides', async () => {
  assert.deepEqual(ok(await guest.from('authors').select('id, bios(text)').in('id', [2, 3]).order('id')), [
    { id: 2, bios: { text: 'Wrote of an ocean that thinks.' } },
    { id: 3, bios: null },
  ])
  assert.equal(ok(await guest.from('bios').select('authors(name)').eq('author_id', 1).single()).authors.name, 'Ursula K. Le Guin')
})

test('many-to-many goes through the table between', async () => {
  const row = ok(await guest.from('books').select('title, genres(label)').eq('id', 4).order('id', { referencedTable: 'genres' }).single())
  assert.deepEqual(row, { title: 'The Cyberiad', genres: [{ label: 'science fiction' }, { label: 'satire' }] })
})

test('two ways to the same table are ambiguous, and the hint resolves it', async () => {
  const { error, status } = await guest.from('books').select('id, authors(name)')
  assert.equal(status, 300)
  assert.equal(error.code, 'PGRST201')
  assert.ok(Array.isArray(error.details) && error.details.length >= 2)
  assert.match(error.hint, /authors!books_(author|editor)_id_fkey/)
  for (const hint of ['author_id', 'books_author_id_fkey']) {
    assert.equal(ok(await guest.from('books').select(`authors!${hint}(name)`).eq('id', 4).single()).authors.name, 'Stanisław Lem')
  }
  const both = ok(await guest.from('books').select('by:authors!author_id(name), edited:authors!editor_id(name)').eq('id', 4).single())
  assert.deepEqual(both, { by: { name: 'Stanisław Lem' }, edited: { name: 'Ursula K. Le Guin' } })
})

test('a column can be the name of the relation', async () => {
  assert.deepEqual(ok(await guest.from('books').select('writer:author_id(name)').eq('id', 5).single()), { writer: { name: 'Octavia Butler' } })
})

test('!inner keeps only parents with a match', async () => {
  const rows = ok(await guest.from('authors').select('name, books!author_id!inner(title)').eq('books.title', 'Solaris'))
  assert.deepEqual(rows, [{ name: 'Stanisław Lem', books: [{ title: 'Solaris' }] }])
})

test('an embed has its own filter, order and page', async () => {
  const row = ok(await guest.from('authors').select('books!author_id(title)').eq('id', 1)
    .order('price', { referencedTable: 'books' }).limit(1, { referencedTable: 'books' }).single())
  assert.deepEqual(row.books, [{ title: 'The Lathe of Heaven' }])
  const filtered = ok(await guest.from('authors').select('id, books!author_id(id)').eq('books.id', 1).order('id').limit(2))
  assert.deepEqual(filtered, [{ id: 1, books: [{ id: 1 }] }, { id: 2, books: [] }])
})

test('parents without children, by null', async () => {
  assert.deepEqual(ok(await guest.from('authors').select('name, books!author_id()').is('books', null)), [{ name: 'Unpublished' }])
})

test('spread lifts the columns of an embed', async () => {
  const row = ok(await guest.from('books').select('title, ...authors!author_id(author:name, born)').eq('id', 3).single())
  assert.deepEqual(row, { title: 'Solaris', author: 'Stanisław Lem', born: 1921 })
  const many = ok(await guest.from('authors').select('name, ...books!author_id(titles:title)').eq('id', 3).single())
  assert.deepEqual(many, { name: 'Octavia Butler', titles: ['Kindred'] })
})

test('embeds nest', async () => {
  const row = ok(await guest.from('genres').select('label, books(title, authors!author_id(name, bios(text)))').eq('id', 2).single())
  assert.deepEqual(row, {
    label: 'satire',
    books: [{ title: 'The Cyberiad', authors: { name: 'Stanisław Lem', bios: { text: 'Wrote of an ocean that thinks.' } } }],
  })
})

test('or across a parent and its embed', async () => {
  const rows = ok(await guest.from('books').select('id, authors!author_id(id)').or('price.gt.9.6,authors.not.is.null').order('id'))
  assert.deepEqual(rows.map((row) => row.id), [1, 2, 3, 4, 5])
})

test('a relation that is not there is told with a hint', async () => {
  const { error, status } = await guest.from('books').select('id, genre(label)')
  assert.equal(status, 400)
  assert.equal(error.code, 'PGRST200')
  assert.match(error.message, /'books' and 'genre'/)
})
