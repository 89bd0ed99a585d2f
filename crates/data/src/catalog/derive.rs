//! Rows of the catalog queries → `Catalog`. Pure, so that relationships are tested from a fixture.

use std::collections::{HashMap, HashSet};

use super::Catalog;
use super::ident::QualifiedName;
use super::node_tree::{Origin, origins};
use super::raw::{RawCatalog, RawForeignKey, RawTable};
use super::relationship::{Cardinality, ComputedRelationship, Junction, KeyColumns, Relationship, Rows};
use super::table::{Table, TableKind};

/// Builds the catalog of the exposed schemas.
pub(crate) fn derive(raw: RawCatalog, schemas: &[String]) -> Catalog {
    let views = view_columns(&raw);
    let primary_keys = primary_keys(&raw, &views);
    let is_view: HashSet<_> = raw.tables.iter().filter(|t| t.kind == TableKind::View).map(|t| t.name.clone()).collect();

    let mut relationships = Vec::new();
    for key in &raw.foreign_keys {
        relationships.extend(sides(key, &views, &is_view));
    }
    let junctions = many_to_many(&relationships, &primary_keys);
    relationships.extend(inverse(&relationships, &is_view));
    relationships.extend(junctions);
    relationships.extend(computed(&raw, &is_view));
    relationships.retain(|r| reachable(r, schemas));

    let mut catalog = Catalog::default();
    for relationship in relationships {
        catalog.relationships.entry(relationship.table.clone()).or_default().push(relationship);
    }
    // the order in which ambiguous ones are listed
    catalog.relationships.values_mut().for_each(|list| list.sort_by(|a, b| a.listed().cmp(&b.listed())));
    for routine in raw.routines {
        catalog.routines.entry(routine.name.clone()).or_default().push(routine);
    }
    catalog.routines.values_mut().for_each(|overloads| overloads.sort_by(|a, b| a.listed().cmp(&b.listed())));
    catalog.roles = raw.roles.into_iter().map(|role| (role.name, role.settings)).collect();
    for table in raw.tables.into_iter().filter(|t| schemas.contains(&t.name.schema)) {
        let key = primary_keys.get(&table.name).cloned().unwrap_or_default();
        let built = Table::new(table.name, table.kind, table.description, table.access, key, table.columns);
        catalog.tables.insert(built.name.clone(), built);
    }
    catalog
}

/// Both ends, and a junction between them, must be exposed.
fn reachable(relationship: &Relationship, schemas: &[String]) -> bool {
    let junction = match &relationship.cardinality {
        Cardinality::ManyToMany(j) => schemas.contains(&j.table.schema),
        _ => true,
    };
    junction && schemas.contains(&relationship.table.schema) && schemas.contains(&relationship.foreign.schema)
}

/// Which view shows which table's column under which name: table → (view, column of the table → columns of the view).
type ViewColumns = HashMap<QualifiedName, Vec<(QualifiedName, HashMap<String, Vec<String>>)>>;

fn view_columns(raw: &RawCatalog) -> ViewColumns {
    let by_oid: HashMap<u32, &RawTable> = raw.tables.iter().map(|t| (t.oid, t)).collect();
    let parsed: HashMap<u32, Vec<Origin>> = raw.views.iter().map(|v| (v.oid, origins(&v.action))).collect();
    let mut shown: HashMap<(QualifiedName, QualifiedName), HashMap<String, Vec<String>>> = HashMap::new();
    for view in &raw.views {
        let Some(table) = by_oid.get(&view.oid) else { continue };
        for origin in &parsed[&view.oid] {
            let Some(column) = attribute(table, origin.position) else { continue };
            let Some((base, base_column)) = follow(origin.table, origin.column, &by_oid, &parsed) else { continue };
            let columns = shown.entry((base.name.clone(), table.name.clone())).or_default();
            columns.entry(base_column.to_owned()).or_default().push(column.to_owned());
        }
    }
    let mut views = ViewColumns::new();
    for ((base, view), columns) in shown {
        views.entry(base).or_default().push((view, columns));
    }
    for list in views.values_mut() {
        list.sort_by(|a, b| a.0.cmp(&b.0));
    }
    views
}

fn attribute(table: &RawTable, number: u32) -> Option<&str> {
    table.attributes.iter().find(|(n, _)| *n == number).map(|(_, name)| name.as_str())
}

/// From a view's view down to the table. Views cannot be circular, but a bound costs nothing.
fn follow<'a>(
    mut table: u32,
    mut column: u32,
    by_oid: &HashMap<u32, &'a RawTable>,
    parsed: &HashMap<u32, Vec<Origin>>,
) -> Option<(&'a RawTable, &'a str)> {
    for _ in 0..64 {
        let Some(origins) = parsed.get(&table) else {
            let base: &'a RawTable = by_oid.get(&table)?;
            return attribute(base, column).map(|name| (base, name));
        };
        let origin = origins.iter().find(|o| o.position == column)?;
        (table, column) = (origin.table, origin.column);
    }
    None
}

fn primary_keys(raw: &RawCatalog, views: &ViewColumns) -> HashMap<QualifiedName, Vec<String>> {
    let mut keys: HashMap<QualifiedName, Vec<String>> = HashMap::new();
    for table in raw.tables.iter().filter(|t| !t.primary_key.is_empty()) {
        keys.insert(table.name.clone(), table.primary_key.clone());
        for (view, columns) in views.get(&table.name).into_iter().flatten() {
            let shown: Option<Vec<_>> =
                table.primary_key.iter().map(|c| columns.get(c).and_then(|shown| shown.first().cloned())).collect();
            if let Some(shown) = shown {
                keys.entry(view.clone()).or_default().extend(shown);
            }
        }
    }
    keys
}

/// A foreign key as a relationship of its table, and of every view that shows either end's columns.
fn sides(key: &RawForeignKey, views: &ViewColumns, is_view: &HashSet<QualifiedName>) -> Vec<Relationship> {
    let sources = shows(&key.table, key.columns.iter().map(|(c, _)| c), views);
    let targets = shows(&key.foreign, key.columns.iter().map(|(_, c)| c), views);
    let mut found = Vec::new();
    for (table, columns) in &sources {
        for (foreign, foreign_columns) in &targets {
            let pairs = columns.iter().cloned().zip(foreign_columns.iter().cloned()).collect();
            let key_columns = KeyColumns { constraint: key.constraint.clone(), columns: pairs };
            let cardinality = match key.unique {
                true => Cardinality::OneToOne(key_columns),
                false => Cardinality::ManyToOne(key_columns),
            };
            found.push(Relationship {
                table: table.clone(),
                foreign: foreign.clone(),
                foreign_is_view: is_view.contains(foreign),
                cardinality,
            });
        }
    }
    found
}

/// The table itself and each view that shows all the columns, with the columns' names there.
fn shows<'a>(
    table: &QualifiedName,
    columns: impl Iterator<Item = &'a String> + Clone,
    views: &ViewColumns,
) -> Vec<(QualifiedName, Vec<String>)> {
    let mut found = vec![(table.clone(), columns.clone().cloned().collect())];
    for (view, shown) in views.get(table).into_iter().flatten() {
        // a column shown twice gives a relationship for each name
        let mut choices: Vec<Vec<String>> = vec![Vec::new()];
        for column in columns.clone() {
            let names = shown.get(column).map(Vec::as_slice).unwrap_or_default();
            choices = choices
                .iter()
                .flat_map(|chosen| names.iter().map(|name| [chosen.as_slice(), std::slice::from_ref(name)].concat()))
                .collect();
        }
        found.extend(choices.into_iter().map(|names| (view.clone(), names)));
    }
    found
}

fn inverse(relationships: &[Relationship], is_view: &HashSet<QualifiedName>) -> Vec<Relationship> {
    let swap = |key: &KeyColumns| KeyColumns {
        constraint: key.constraint.clone(),
        columns: key.columns.iter().map(|(a, b)| (b.clone(), a.clone())).collect(),
    };
    let flipped = |r: &Relationship| {
        let cardinality = match &r.cardinality {
            Cardinality::ManyToOne(key) => Cardinality::OneToMany(swap(key)),
            Cardinality::OneToOne(key) => Cardinality::OneToOne(swap(key)),
            _ => return None,
        };
        Some(Relationship {
            table: r.foreign.clone(),
            foreign: r.table.clone(),
            foreign_is_view: is_view.contains(&r.table),
            cardinality,
        })
    };
    relationships.iter().filter_map(flipped).collect()
}

/// A table with two foreign keys inside its primary key joins what they point at.
fn many_to_many(
    relationships: &[Relationship],
    primary_keys: &HashMap<QualifiedName, Vec<String>>,
) -> Vec<Relationship> {
    let mut by_table: HashMap<&QualifiedName, Vec<(&Relationship, &KeyColumns)>> = HashMap::new();
    for relationship in relationships {
        if let Cardinality::ManyToOne(key) = &relationship.cardinality {
            by_table.entry(&relationship.table).or_default().push((relationship, key));
        }
    }
    let mut tables: Vec<_> = by_table.into_iter().collect();
    tables.sort_by_key(|(table, _)| *table);
    let mut found = Vec::new();
    for (junction, keys) in tables {
        let Some(primary) = primary_keys.get(junction) else { continue };
        let within = |key: &KeyColumns| key.columns.iter().all(|(column, _)| primary.contains(column));
        for (source, source_key) in keys.iter().filter(|(_, key)| within(key)) {
            for (target, target_key) in keys.iter().filter(|(_, key)| within(key)) {
                if source_key.constraint != target_key.constraint {
                    found.push(through(junction, source, source_key, target, target_key));
                }
            }
        }
    }
    found
}

fn through(
    junction: &QualifiedName,
    source: &Relationship,
    source_key: &KeyColumns,
    target: &Relationship,
    target_key: &KeyColumns,
) -> Relationship {
    let swapped = |key: &KeyColumns| key.columns.iter().map(|(a, b)| (b.clone(), a.clone())).collect();
    Relationship {
        table: source.foreign.clone(),
        foreign: target.foreign.clone(),
        foreign_is_view: target.foreign_is_view,
        cardinality: Cardinality::ManyToMany(Junction {
            table: junction.clone(),
            source_constraint: source_key.constraint.clone(),
            target_constraint: target_key.constraint.clone(),
            source: swapped(source_key),
            target: swapped(target_key),
        }),
    }
}

fn computed(raw: &RawCatalog, is_view: &HashSet<QualifiedName>) -> Vec<Relationship> {
    let build = |c: &super::raw::RawComputed| Relationship {
        table: c.table.clone(),
        foreign: c.foreign.clone(),
        foreign_is_view: is_view.contains(&c.foreign),
        cardinality: Cardinality::Computed(ComputedRelationship {
            function: c.function.clone(),
            rows: if c.single { Rows::One } else { Rows::Many },
        }),
    };
    raw.computed.iter().map(build).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog() -> Catalog {
        Catalog::from_fixture(include_str!("../../tests/stages/catalog.json"))
    }

    fn kinds(catalog: &Catalog, table: &str, foreign: &str) -> Vec<&'static str> {
        let name = QualifiedName::new("public", table);
        let found = catalog.relationships(&name).iter().filter(|r| r.foreign.name == foreign);
        found
            .map(|r| match r.cardinality {
                Cardinality::OneToMany(_) => "o2m",
                Cardinality::ManyToOne(_) => "m2o",
                Cardinality::OneToOne(_) => "o2o",
                Cardinality::ManyToMany(_) => "m2m",
                Cardinality::Computed(_) => "computed",
            })
            .collect()
    }

    #[test]
    fn foreign_keys_give_both_directions_and_junctions() {
        let catalog = catalog();
        assert_eq!(kinds(&catalog, "films", "directors"), ["m2o"]);
        assert_eq!(kinds(&catalog, "directors", "films"), ["o2m"]);
        assert_eq!(kinds(&catalog, "films", "actors"), ["m2m"]);
        assert_eq!(kinds(&catalog, "actors", "films"), ["m2m"]);
        assert_eq!(kinds(&catalog, "films", "technical_specs"), ["o2o"]);
        assert_eq!(kinds(&catalog, "directors", "directors"), ["o2m", "m2o"]);
        assert_eq!(kinds(&catalog, "orders", "addresses"), ["m2o", "m2o"]);
    }

    #[test]
    fn views_take_part_through_the_columns_they_show() {
        let catalog = catalog();
        assert_eq!(kinds(&catalog, "film_titles", "directors"), ["m2o"]);
        assert_eq!(kinds(&catalog, "directors", "film_titles"), ["o2m"]);
        let view = catalog.table(&QualifiedName::new("public", "film_titles")).expect("view");
        assert_eq!(view.primary_key, ["film_id"]);
    }
}
