mod call;
mod control;
