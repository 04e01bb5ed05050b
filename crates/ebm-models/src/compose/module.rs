//! Compositions of burn modules are burn modules, and can be trained and saved as one.

use burn::module::{
    Content, Devices, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor,
};
use burn::tensor::Device;

use super::{Mixture, Negation, WeightedSum};

/// What `#[derive(Module)]` would write, were its structs allowed to hold what is no module.
///
/// `$modules` is the field that may hold modules; the others, `$kept`, stay as they are.
macro_rules! composed_module {
    ($name:ident, $modules:ident $(, $kept:ident)*) => {
        impl<M: Module> $name<M> {
            fn with(self, change: impl FnOnce(M) -> M) -> Self {
                Self {
                    $modules: change(self.$modules),
                    $($kept: self.$kept,)*
                }
            }
        }

        impl<M: Module> Module for $name<M> {
            fn collect_devices(&self, devices: Devices) -> Devices {
                self.$modules.collect_devices(devices)
            }

            fn fork(self, device: &Device) -> Self {
                self.with(|modules| modules.fork(device))
            }

            fn to_device(self, device: &Device) -> Self {
                self.with(|modules| modules.to_device(device))
            }

            fn train(self) -> Self {
                self.with(Module::train)
            }

            fn valid(&self) -> Self {
                self.clone().with(|modules| modules.valid())
            }

            fn materialize(self) -> Self {
                self.with(Module::materialize)
            }

            fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
                let (field, container) =
                    (stringify!($modules), concat!("Struct:", stringify!($name)));
                visitor.enter_module(field, container);
                self.$modules.visit(visitor);
                visitor.exit_module(field, container);
            }

            fn map<P: ModuleMapper>(self, mapper: &mut P) -> Self {
                let (field, container) =
                    (stringify!($modules), concat!("Struct:", stringify!($name)));
                mapper.enter_module(field, container);
                let mapped = self.with(|modules| modules.map(mapper));
                mapper.exit_module(field, container);
                mapped
            }
        }

        impl<M: Module + ModuleDisplay> ModuleDisplayDefault for $name<M> {
            fn content(&self, content: Content) -> Option<Content> {
                content
                    .set_top_level_type(stringify!($name))
                    .add(stringify!($modules), &self.$modules)
                    .optional()
            }

            fn num_params(&self) -> usize {
                Module::num_params(self)
            }
        }

        impl<M: Module + ModuleDisplay> ModuleDisplay for $name<M> {}
    };
}

composed_module!(WeightedSum, terms, weights);
composed_module!(Mixture, terms, log_weights);
composed_module!(Negation, model);
