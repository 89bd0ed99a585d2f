// Reading: choosing columns, filters, order, pages, counts, formats.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { client, ok } from '../support/clients.mjs'
import { library } from '../support/library.mjs'
import { ask } from '../support/wire.mjs'

let app, guest
before(async () => {
  app = await library()
  guest = client(app)
})
after(() => app?.down())

const books = () => guest.from('books')
// ids of what a query finds, in order
const ids = async (query) => ok(await query.order('id')).map((row) => row.id)

test('columns are chosen, renamed, cast and computed', async () => {
  const row = ok(await books().select('name:title, price::text, pages:details->pages, language:details->>language, first:tags->0, shelf_mark').eq('id', 1).single())
  assert.deepEqual(row, { name: 'The Dispossessed', price: '9.50', pages: 387, language: 'en', first: 'novel', shelf_mark: 'THE' })
})

test('every column comes in its own JSON type', async () => {
  const row = ok(await books().select('*').eq('id', 3).single())
  assert.deepEqual(Object.keys(row), ['id', 'author_id', 'editor_id', 'title', 'price', 'tags', 'details', 'added_at'])
  assert.equal(row.price, 8)
  assert.deepEqual(row.tags, ['novel', 'classic'])
  assert.deepEqual(row.details, { pages: 204, language: 'pl' })
  assert.equal(row.editor_id, null)
  assert.ok(Date.parse(row.added_at))
})

test('comparisons', async () => {
  const all = () => books().select('id')
  assert.deepEqual(await ids(all().eq('title', 'Solaris')), [3])
  assert.deepEqual(await ids(all().neq('id', 1)), [2, 3, 4, 5, 6])
  assert.deepEqual(await ids(all().gt('price', 8)), [1, 5])
  assert.deepEqual(await ids(all().gte('price', 8).lt('price', 10)), [1, 3])
  assert.deepEqual(await ids(all().lte('price', 3)), [6])
  assert.deepEqual(await ids(all().is('author_id', null)), [6])
  assert.deepEqual(await ids(all().not('author_id', 'is', null)), [1, 2, 3, 4, 5])
  assert.deepEqual(await ids(all().in('id', [2, 4, 99])), [2, 4])
  assert.deepEqual(await ids(all().in('title', ['Beowulf, "anonymous"', 'Solaris'])), [3, 6])
  assert.deepEqual(await ids(all().match({ author_id: 2, price: 8 })), [3])
  assert.deepEqual(await ids(all().filter('author_id', 'isdistinct', 1)), [3, 4, 5, 6])
})

test('patterns', async () => {
  const all = () => books().select('id')
  assert.deepEqual(await ids(all().like('title', 'The %')), [1, 2, 4])
  assert.deepEqual(await ids(all().ilike('title', '%SOL%')), [3])
  assert.deepEqual(await ids(all().likeAnyOf('title', ['%aris', 'Kin%'])), [3, 5])
  assert.deepEqual(await ids(all().likeAllOf('title', ['The %', '%Heaven'])), [2])
  assert.deepEqual(await ids(all().filter('title', 'match', '^K')), [5])
  assert.deepEqual(await ids(all().filter('title', 'imatch', '^the')), [1, 2, 4])
})

test('arrays, JSON and full text', async () => {
  const all = () => books().select('id')
  assert.deepEqual(await ids(all().contains('tags', ['novel', 'classic'])), [1, 3])
  assert.deepEqual(await ids(all().containedBy('tags', ['stories', 'novel'])), [2, 4, 6])
  assert.deepEqual(await ids(all().overlaps('tags', ['history', 'stories'])), [4, 5])
  assert.deepEqual(await ids(all().contains('details', { language: 'pl' })), [3, 4])
  assert.deepEqual(await ids(all().eq('details->>language', 'pl')), [3, 4])
  assert.deepEqual(await ids(all().gt('details->pages', 290)), [1, 4])
  assert.deepEqual(await ids(all().textSearch('title', 'heaven & lathe', { config: 'english' })), [2])
  assert.deepEqual(await ids(all().textSearch('title', 'lathes of heaven', { type: 'plain', config: 'english' })), [2])
  assert.deepEqual(await ids(all().textSearch('title', 'solaris or kindred', { type: 'websearch' })), [3, 5])
})

test('logic, nested and negated', async () => {
  const all = () => books().select('id')
  assert.deepEqual(await ids(all().or('id.eq.1,title.eq.Solaris')), [1, 3])
  assert.deepEqual(await ids(all().or('price.gt.9,and(author_id.eq.2,price.not.gt.7)')), [1, 4, 5])
  assert.deepEqual(await ids(all().or('title.eq."Beowulf, \\"anonymous\\"",id.eq.1')), [1, 6])
  const answer = await ask(app, '/rest/v1/books?select=id&not.or=(id.lt.3,id.gt.4)&order=id')
  assert.deepEqual(answer.body, [{ id: 3 }, { id: 4 }])
})

test('order, also of nulls and by an embedded row', async () => {
  const titles = async (query) => ok(await query).map((row) => row.id)
  assert.deepEqual(await titles(books().select('id').order('author_id', { nullsFirst: true }).order('price', { ascending: false })), [6, 1, 2, 3, 4, 5])
  assert.deepEqual(await titles(books().select('id').order('author_id', { ascending: false, nullsFirst: false }).order('id')), [5, 3, 4, 1, 2, 6])
  assert.deepEqual(await titles(books().select('id, authors!author_id(name)').not('author_id', 'is', null).order('authors(name)').order('id')), [5, 3, 4, 1, 2])
})

test('pages and counts', async () => {
  const page = await books().select('id', { count: 'exact' }).order('id').range(1, 2)
  assert.equal(page.status, 206)
  assert.equal(page.count, 6)
  assert.deepEqual(page.data, [{ id: 2 }, { id: 3 }])
  const whole = await books().select('id', { count: 'exact' })
  assert.equal(whole.status, 200)
  const head = await books().select('*', { count: 'exact', head: true })
  assert.equal(head.count, 6)
  assert.equal(head.data, null)
  const raw = await ask(app, '/rest/v1/books?select=id&order=id&limit=2&offset=1')
  assert.equal(raw.status, 200)
  assert.equal(raw.headers.get('content-range'), '1-2/*')
  const empty = await ask(app, '/rest/v1/books?id=eq.-1', { headers: { prefer: 'count=exact' } })
  assert.equal(empty.headers.get('content-range'), '*/0')
  for (const count of ['planned', 'estimated']) {
    const { count: guess, error } = await books().select('id', { count })
    assert.equal(error, null)
    assert.equal(typeof guess, 'number')
  }
})

test('a page after the end is 416', async () => {
  const { error, status } = await books().select('id', { count: 'exact' }).range(50, 60)
  assert.equal(status, 416)
  assert.equal(error.code, 'PGRST103')
})

test('a page by the Range header', async () => {
  const answer = await ask(app, '/rest/v1/books?select=id&order=id', { headers: { range: '2-3', 'range-unit': 'items' } })
  assert.deepEqual(answer.body, [{ id: 3 }, { id: 4 }])
  assert.equal(answer.headers.get('content-range'), '2-3/*')
})

test('single wants one row, maybeSingle at most one', async () => {
  assert.equal(ok(await books().select('title').eq('id', 3).single()).title, 'Solaris')
  assert.equal(ok(await books().select('title').eq('id', -1).maybeSingle()), null)
  for (const query of [books().select().eq('id', -1), books().select()]) {
    const { error, status } = await query.single()
    assert.equal(status, 406)
    assert.equal(error.code, 'PGRST116')
    assert.match(error.details, /^The result contains \d rows$/)
  }
  assert.equal((await books().select().maybeSingle()).error.code, 'PGRST116')
})

test('CSV', async () => {
  const csv = ok(await books().select('id,title').in('id', [3, 6]).order('id').csv())
  assert.equal(csv, 'id,title\n3,Solaris\n6,"Beowulf, ""anonymous"""')
})

test('nulls can be left out', async () => {
  const answer = await ask(app, '/rest/v1/books?select=id,editor_id&id=eq.1', { headers: { accept: 'application/vnd.pgrst.array+json;nulls=stripped' } })
  assert.deepEqual(answer.body, [{ id: 1 }])
})

test('a view is read like a table', async () => {
  assert.deepEqual(await ids(guest.from('cheap_books').select('id')), [2, 4, 6])
  const row = ok(await guest.from('cheap_books').select('title, authors(name)').eq('id', 4).single())
  assert.equal(row.authors.name, 'Stanisław Lem')
})

test('HEAD has the head of GET, and nothing else', async () => {
  const head = await ask(app, '/rest/v1/books?select=id', { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.body, '')
  assert.equal(head.headers.get('content-range'), '0-5/*')
})

test('OPTIONS tells the methods', async () => {
  const answer = await ask(app, '/rest/v1/books', { method: 'OPTIONS' })
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('allow'), /GET/)
})

test('the description of the API is for the secret key', async () => {
  assert.equal((await ask(app, '/rest/v1/')).status, 401)
  const { status, body } = await ask(app, '/rest/v1/', { key: app.keys.secret_key })
  assert.equal(status, 200)
  assert.equal(body.swagger, '2.0')
  assert.ok(body.paths['/books'])
})
