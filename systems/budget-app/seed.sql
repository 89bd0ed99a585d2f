-- A believable year for the demo accounts of mainstay.toml: relative to today,
-- the same on every run on the same day, and safe to run twice.
do $seed$
declare
  demo  uuid := (select id from auth.users where email = 'demo@example.com');
  demo2 uuid := (select id from auth.users where email = 'demo2@example.com');
  this_month date := date_trunc('month', current_date::timestamp)::date;
begin
  -- Fractions in [0, 1) that look random and never change: pg_temp.dice('groceries', day, 1).
  create or replace function pg_temp.dice(what text, day date, salt int) returns numeric
  language sql immutable as $f$
    select (('x' || substr(md5(what || '/' || to_char(day, 'YYYYMMDD') || '/' || salt), 1, 7))::bit(28)::int / 268435456.0)::numeric
  $f$;
  -- One of several texts, chosen by a fraction.
  create or replace function pg_temp.pick(options text[], at numeric) returns text
  language sql immutable as $f$ select options[1 + floor(at * array_length(options, 1))::int] $f$;

  -- demo@example.com ---------------------------------------------------------
  if demo is null then
    raise notice 'seed: no account demo@example.com, nothing to fill';
  elsif exists (select 1 from public.categories where user_id = demo) then
    raise notice 'seed: demo@example.com has data already, left as it is';
  else
    insert into public.preferences (user_id, currency) values (demo, 'EUR') on conflict do nothing;

    insert into public.categories (user_id, name, colour, icon) values
      (demo, 'Housing',       '#3b7ddd', 'home'),
      (demo, 'Groceries',     '#3f9d57', 'cart'),
      (demo, 'Utilities',     '#c99416', 'bolt'),
      (demo, 'Transport',     '#2896b8', 'bus'),
      (demo, 'Eating out',    '#e0792f', 'fork'),
      (demo, 'Leisure',       '#8561d6', 'ticket'),
      (demo, 'Subscriptions', '#0f9b8e', 'play'),
      (demo, 'Health',        '#d9544d', 'heart'),
      (demo, 'Clothing',      '#d2568f', 'shirt'),
      (demo, 'Holidays',      '#7a9e2c', 'plane'),
      (demo, 'Gifts',         '#9a6b4c', 'gift');

    -- Budgets: a plan that was raised half-way through the year, with seasons.
    insert into public.budgets (user_id, category_id, month, amount)
    select demo, c.id, m.month,
           case when c.name = 'Holidays' then case extract(month from m.month) when 7 then 900 when 8 then 900 when 12 then 350 else 120 end
                when c.name = 'Gifts' then case extract(month from m.month) when 12 then 260 else 40 end
                when c.name = 'Utilities' then case when extract(month from m.month) in (11, 12, 1, 2, 3) then 190 else 150 end
                when m.month > this_month - 180 then p.later else p.early end
    from (select (this_month - make_interval(months => g))::date as month from generate_series(0, 12) g) m
    cross join (values
      ('Housing', 980, 1010), ('Groceries', 420, 450), ('Utilities', 0, 0), ('Transport', 110, 120),
      ('Eating out', 140, 140), ('Leisure', 90, 100), ('Subscriptions', 50, 55), ('Health', 60, 60),
      ('Clothing', 80, 80), ('Holidays', 0, 0), ('Gifts', 0, 0)) as p (name, early, later)
    join public.categories c on c.user_id = demo and c.name = p.name;

    -- What comes every month on its day.
    insert into public.expenses (user_id, category_id, spent_on, amount, payee, note)
    select demo, c.id, d.spent_on,
           case when r.spread = 0 then r.amount + case when r.payee = 'Harbour Street Lettings' and d.spent_on > this_month - 180 then 25 else 0 end
                else round((r.amount * (1 + r.spread * (pg_temp.dice(r.payee, d.spent_on, 1) - 0.5))
                     * case when r.season and extract(month from d.spent_on) in (11, 12, 1, 2, 3) then 1.45 else 1 end)::numeric, 2) end,
           r.payee, r.note
    from (values
      ('Housing',       1,  980.00, 'Harbour Street Lettings', 'Rent',            0.00, false),
      ('Utilities',     3,   58.00, 'Northwind Energy',        'Electricity',     0.16, true),
      ('Utilities',     5,   24.90, 'City Waterworks',         '',                0.10, false),
      ('Utilities',     9,   34.99, 'Fibrelink',               'Internet',        0.00, false),
      ('Utilities',    12,   14.00, 'Pebble Mobile',           'Phone',           0.00, false),
      ('Transport',     2,   49.00, 'Metro Transit',           'Monthly pass',    0.00, false),
      ('Subscriptions', 4,   12.99, 'Streamhouse',             '',                0.00, false),
      ('Subscriptions', 8,   10.99, 'Tonal Music',             'Family plan',     0.00, false),
      ('Subscriptions', 15,   4.50, 'The Daily Courier',       'Digital edition', 0.00, false),
      ('Subscriptions', 18,  24.90, 'Kestrel Gym',             'Membership',      0.00, false),
      ('Health',        6,   21.40, 'Dental Plus',             'Insurance',       0.00, false)
    ) as r (category, day, amount, payee, note, spread, season)
    join public.categories c on c.user_id = demo and c.name = r.category
    cross join lateral (
      select (this_month - make_interval(months => g))::date + (r.day - 1) as spent_on
      from generate_series(0, 12) g
    ) d
    where d.spent_on <= current_date;

    -- Two trips to the shops a week, and a small one now and then.
    insert into public.expenses (user_id, category_id, spent_on, amount, payee, note)
    select demo, c.id, d.day,
           round(case when extract(isodow from d.day) = 6 then 38 + 44 * pg_temp.dice('groceries', d.day, 1)
                      when extract(isodow from d.day) = 3 then 14 + 22 * pg_temp.dice('groceries', d.day, 1)
                      else 3 + 9 * pg_temp.dice('groceries', d.day, 1) end, 2),
           case when extract(isodow from d.day) = 6 then pg_temp.pick(array['Green Basket', 'Green Basket', 'Old Town Market', 'Marten & Sons'], pg_temp.dice('shop', d.day, 2))
                when extract(isodow from d.day) = 3 then pg_temp.pick(array['Corner Grocer', 'Green Basket', 'Fresh & Near'], pg_temp.dice('shop', d.day, 2))
                else pg_temp.pick(array['Bakery Lindholm', 'Corner Grocer', 'Cheese Counter'], pg_temp.dice('shop', d.day, 2)) end,
           case when pg_temp.dice('note', d.day, 3) < 0.12 then pg_temp.pick(array['For the weekend', 'Dinner with Ana and Tom', 'Pantry restock', 'Birthday cake'], pg_temp.dice('note', d.day, 4)) else '' end
    from (select t::date as day from generate_series((this_month - interval '12 months'), current_date::timestamp, interval '1 day') t) d
    join public.categories c on c.user_id = demo and c.name = 'Groceries'
    where extract(isodow from d.day) in (3, 6) or pg_temp.dice('bakery', d.day, 5) < 0.16;

    -- Chance spending: how likely on a day of the working week and of the week-end, from, to, where.
    insert into public.expenses (user_id, category_id, spent_on, amount, payee, note)
    select demo, c.id, d.day,
           round((r.low + (r.high - r.low) * power(pg_temp.dice(r.category, d.day, 11), 1.6))::numeric, case when r.round_up then 0 else 2 end),
           pg_temp.pick(r.payees, pg_temp.dice(r.category, d.day, 12)),
           case when pg_temp.dice(r.category, d.day, 13) < 0.25 then pg_temp.pick(r.notes, pg_temp.dice(r.category, d.day, 14)) else '' end
    from (values
      ('Eating out', 0.10, 0.34,  9.0,  58.0, false, array['Noodle Bar Sen', 'Trattoria Verde', 'Café Mirador', 'The Copper Pot', 'Falafel Corner', 'Sushi Hana'], array['Lunch with colleagues', 'Date night', 'Brunch', 'Take-away']),
      ('Transport',  0.05, 0.10,  6.0,  46.0, false, array['City Cabs', 'Intercity Rail', 'Pedal Works', 'Share-a-Car'], array['Late home', 'Visit to parents', 'New brake pads', 'Furniture run']),
      ('Leisure',    0.03, 0.22,  8.0,  62.0, false, array['Lumière Cinema', 'Page & Spine Books', 'Boulder Hall', 'Botanic Garden', 'Philharmonic', 'Paper Crane Games'], array['With Ana', 'Two tickets', 'Paperback', 'Day pass']),
      ('Health',     0.03, 0.03,  7.0,  65.0, false, array['Linden Pharmacy', 'Optica', 'Physio am Park'], array['Prescription', 'Contact lenses', 'Back again']),
      ('Clothing',   0.01, 0.09, 18.0, 140.0, false, array['Weft & Warp', 'Second Story', 'North Outfitters', 'Shoe Repair Ilse'], array['Rain jacket', 'Running shoes', 'Two shirts', 'New soles']),
      ('Gifts',      0.01, 0.03, 12.0,  55.0, true,  array['Flowers by Rosa', 'Page & Spine Books', 'Toy Chest'], array['Mum''s birthday', 'House-warming', 'Thank you'])
    ) as r (category, workday, weekend, low, high, round_up, payees, notes)
    join public.categories c on c.user_id = demo and c.name = r.category
    cross join (select t::date as day from generate_series((this_month - interval '12 months'), current_date::timestamp, interval '1 day') t) d
    where pg_temp.dice(r.category, d.day, 10) < case when extract(isodow from d.day) >= 5 then r.weekend else r.workday end;

    -- The year's seasons: presents in December, a journey in summer, a coat before winter.
    insert into public.expenses (user_id, category_id, spent_on, amount, payee, note)
    select demo, c.id, s.day, s.amount, s.payee, s.note
    from (
      select v.category, (y.first + make_interval(months => v.month - 1))::date + (v.day - 1) as day, v.amount, v.payee, v.note
      from (values
        ('Gifts',    12,  6,  64.00, 'Toy Chest',          'For the nephews'),
        ('Gifts',    12, 13,  48.50, 'Page & Spine Books', 'Presents'),
        ('Gifts',    12, 19,  89.00, 'North Outfitters',   'Scarf for Ana'),
        ('Gifts',    12, 21,  36.00, 'Flowers by Rosa',    'Table wreath'),
        ('Holidays', 12, 27, 214.00, 'Alpine Lodge',       'Two nights'),
        ('Holidays', 12, 28,  96.00, 'Lift passes',        ''),
        ('Holidays',  4, 18,  72.40, 'Intercity Rail',     'Long week-end at the sea'),
        ('Holidays',  4, 19, 138.00, 'Hotel Seeblick',     ''),
        ('Holidays',  7, 12, 318.00, 'Skyline Air',        'Flights to Lisbon'),
        ('Holidays',  7, 28, 389.00, 'Casa do Rio',        'Five nights'),
        ('Holidays',  8,  1, 126.30, 'Casa do Rio',        'Dinner and boat trip'),
        ('Holidays',  8,  2,  54.80, 'Mercado da Ribeira', ''),
        ('Holidays',  8,  3,  88.00, 'Comboios',           'Train to Porto'),
        ('Clothing', 10, 11, 179.00, 'North Outfitters',   'Winter coat'),
        ('Housing',   3, 22, 142.60, 'Workshop & Timber',  'Shelves for the study'),
        ('Housing',   9, 13,  68.90, 'Workshop & Timber',  'Paint and brushes'),
        ('Health',    2, 17,  92.00, 'Dr. Okafor, dentist','Cleaning'),
        ('Health',    8, 21,  92.00, 'Dr. Okafor, dentist','Cleaning'),
        ('Leisure',   5, 23, 118.00, 'Harbour Festival',   'Two day tickets'),
        ('Transport', 6, 10,  84.50, 'Pedal Works',        'Yearly service')
      ) as v (category, month, day, amount, payee, note)
      cross join lateral (
        select date_trunc('year', current_date::timestamp) - make_interval(years => g) as first from generate_series(0, 1) g
      ) y
    ) s
    join public.categories c on c.user_id = demo and c.name = s.category
    where s.day <= current_date and s.day >= (this_month - interval '12 months')::date;
  end if;

  -- demo2@example.com: someone else, who has just begun --------------------------
  if demo2 is null then
    raise notice 'seed: no account demo2@example.com, nothing to fill';
  elsif exists (select 1 from public.categories where user_id = demo2) then
    raise notice 'seed: demo2@example.com has data already, left as it is';
  else
    insert into public.preferences (user_id, currency) values (demo2, 'USD') on conflict do nothing;
    insert into public.categories (user_id, name, colour, icon) values
      (demo2, 'Rent', '#3b7ddd', 'home'), (demo2, 'Food', '#3f9d57', 'cart'), (demo2, 'Fun', '#8561d6', 'ticket');
    insert into public.budgets (user_id, category_id, month, amount)
    select demo2, c.id, this_month, case c.name when 'Rent' then 1200 when 'Food' then 400 else 150 end
    from public.categories c where c.user_id = demo2;
    insert into public.expenses (user_id, category_id, spent_on, amount, payee, note)
    select demo2, c.id, greatest(current_date - v.ago, this_month), v.amount, v.payee, ''
    from (values ('Rent', 30, 1200.00, 'Elm Property'), ('Food', 2, 61.35, 'Farmers'' Market'),
                 ('Food', 0, 14.20, 'Taqueria Sol'), ('Fun', 1, 32.00, 'Vinyl Exchange')) as v (category, ago, amount, payee)
    join public.categories c on c.user_id = demo2 and c.name = v.category;
  end if;
end
$seed$;
