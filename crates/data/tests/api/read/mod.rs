mod embed;
mod filters;
mod media;
mod range;
mod select;
