//! What the faults share that change the pod template of a Deployment.
//!
//! The platform rolls such a change out, and rolls out again when it is
//! undone. Each place is remembered with what was there before and after: undo
//! puts back what is still as the fault has left it, and nothing else. A
//! responder's `kubectl rollout undo` is the same as an undo.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use model::{FaultSpec, ServiceName, Undone};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ChaosError;
use crate::kind::Kind;
use crate::objects::{is_same, replicas, uid};
use crate::place::Place;
use crate::world::World;

/// A fault that changes the pod template of one Deployment, and nothing else.
pub(crate) trait TemplateFault: Send + Sync + 'static {
    /// As [`Kind::SPEC`].
    const SPEC: FaultSpec;
    /// As [`Kind::Args`].
    type Args: DeserializeOwned + Send;

    /// Whose Deployment it is.
    fn service(args: &Self::Args) -> &ServiceName;

    /// What is changed in the template.
    ///
    /// # Errors
    /// [`ChaosError::Target`] where it could not bite.
    fn changes(template: &Template, args: Self::Args) -> Result<Vec<Change>, ChaosError>;
}

/// The mark of a [`Kind`] that is a [`TemplateFault`].
pub(crate) struct ByTemplate;

/// Places that are changed together. Whoever changes the first one has taken
/// over all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change(pub(crate) Vec<Spot>);

/// One place in a pod template, and what was and is there; `None` for nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spot {
    at: Place,
    before: Option<Value>,
    after: Option<Value>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    uid: String,
    changes: Vec<Change>,
}

/// A Deployment as it was read.
pub(crate) struct Template {
    service: ServiceName,
    deployment: Deployment,
    template: Value,
}

impl Template {
    pub(crate) fn new(service: ServiceName, deployment: Deployment) -> Self {
        let template = template(&deployment);
        Self {
            service,
            deployment,
            template,
        }
    }

    /// Why the fault could not bite, and the next step.
    pub(crate) fn refuse(&self, problem: impl Into<String>) -> ChaosError {
        ChaosError::Target {
            service: self.service.clone(),
            problem: problem.into(),
        }
    }

    /// The container that is named as the service, or the first.
    pub(crate) fn main(&self) -> Result<Place, ChaosError> {
        let spec = self.deployment.spec.as_ref();
        let pod = spec.and_then(|spec| spec.template.spec.as_ref());
        let all = pod.map_or(&[][..], |pod| &pod.containers);
        let named = all
            .iter()
            .find(|container| self.service == container.name.as_str());
        let main = named.or_else(|| all.first());
        let main = main.ok_or_else(|| self.refuse("has no container"))?;
        Ok(Place::of(&["spec", "containers"]).item(&main.name))
    }

    /// The main container's variable of that name.
    ///
    /// # Errors
    /// [`ChaosError::Target`] when there is none, or its value comes from elsewhere.
    pub(crate) fn variable(&self, name: &str) -> Result<Place, ChaosError> {
        let at = self.main()?.key(&["env"]).item(name);
        match self.value(&at) {
            Some(variable) if variable.get("valueFrom").is_none() => Ok(at),
            _ => Err(self.refuse(format!(
                "has no literal variable `{name}`; name another with `env`"
            ))),
        }
    }

    /// What is there.
    pub(crate) fn value(&self, at: &Place) -> Option<&Value> {
        at.read(&self.template)
    }

    /// The text that is there.
    pub(crate) fn text(&self, at: &Place) -> Option<&str> {
        self.value(at).and_then(Value::as_str)
    }

    /// The place, with what is there now and what shall be.
    ///
    /// # Errors
    /// [`ChaosError::Target`] when that is there already.
    pub(crate) fn spot(&self, at: Place, after: impl Into<Value>) -> Result<Spot, ChaosError> {
        let after = after.into();
        let before = self.value(&at).cloned();
        if same(before.as_ref(), Some(&after)) {
            return Err(self.refuse(format!(
                "has {after} at `{at}` already; nothing would change"
            )));
        }
        Ok(Spot {
            at,
            before,
            after: Some(after),
        })
    }

    /// Refuses a strategy that keeps the old pods until new ones are ready:
    /// pods that never get ready would take nothing down.
    pub(crate) fn wants_old_pods_to_go(&self) -> Result<(), ChaosError> {
        if lets_old_pods_go(&self.deployment) {
            return Ok(());
        }
        Err(self.refuse(
            "keeps its old pods until new ones are ready, so a bad change takes nothing down; set strategy Recreate, or maxUnavailable to its replicas",
        ))
    }
}

impl<T: TemplateFault> Kind<ByTemplate> for T {
    const SPEC: FaultSpec = <T as TemplateFault>::SPEC;
    type Args = <T as TemplateFault>::Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Self::Args) -> Result<Plan, ChaosError> {
        let service = T::service(&args).clone();
        let deployment = world.need::<Deployment>(&service).await?;
        let uid = uid(&deployment);
        let changes = T::changes(&Template::new(service.clone(), deployment), args)?;
        Ok(Plan {
            service,
            uid,
            changes,
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let deployment = world.need::<Deployment>(&plan.service).await?;
        let mut patch = Value::Null;
        for spot in plan.changes.iter().flat_map(|change| &change.0) {
            spot.at.write(&mut patch, spot.after.as_ref());
        }
        world
            .change(&deployment, json!({"spec": {"template": patch}}))
            .await
    }

    /// Puts back what nobody else has changed.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        let Some(deployment) = plan.target(world).await? else {
            return Ok(Undone::TargetGone);
        };
        let template = template(&deployment);
        let ours: Vec<&Spot> = plan
            .changes
            .iter()
            .filter(|change| change.is_ours(&template))
            .flat_map(|change| &change.0)
            .filter(|spot| spot.is_ours(&template))
            .collect();
        if ours.is_empty() {
            return Ok(Undone::TargetGone);
        }
        let mut patch = Value::Null;
        for spot in ours {
            spot.at.write(&mut patch, spot.before.as_ref());
        }
        world
            .change(&deployment, json!({"spec": {"template": patch}}))
            .await?;
        Ok(Undone::Reverted)
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        let Some(deployment) = plan.target(world).await? else {
            return Ok(true);
        };
        let template = template(&deployment);
        Ok(!plan.changes.iter().any(|change| change.is_ours(&template)))
    }
}

impl Plan {
    /// The very same Deployment; `None` when it is gone or replaced.
    async fn target(&self, world: &World) -> Result<Option<Deployment>, ChaosError> {
        let deployment = world.find::<Deployment>(self.service.as_str()).await?;
        Ok(deployment.filter(|deployment| is_same(deployment, &self.uid)))
    }
}

impl Change {
    fn is_ours(&self, template: &Value) -> bool {
        self.0.first().is_some_and(|spot| spot.is_ours(template))
    }
}

impl Spot {
    fn is_ours(&self, template: &Value) -> bool {
        same(self.at.read(template), self.after.as_ref())
    }
}

/// Whether two values are the same; Kubernetes leaves an empty text out.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let there = |value: Option<&Value>| value.filter(|value| **value != "").cloned();
    there(one) == there(other)
}

fn template(deployment: &Deployment) -> Value {
    let template = deployment.spec.as_ref().map(|spec| &spec.template);
    // It was read from JSON, so it can be written as JSON.
    serde_json::to_value(template).unwrap_or_default()
}

fn lets_old_pods_go(deployment: &Deployment) -> bool {
    let replicas = replicas(deployment);
    let strategy = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.strategy.as_ref());
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate") {
        return true;
    }
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let unavailable = match rolling.and_then(|rolling| rolling.max_unavailable.as_ref()) {
        Some(IntOrString::Int(count)) => *count,
        Some(IntOrString::String(percent)) => share(percent, replicas),
        None => share("25%", replicas),
    };
    unavailable >= replicas
}

/// A percentage of the replicas, rounded down as Kubernetes does.
fn share(percent: &str, replicas: i32) -> i32 {
    let percent: i32 = percent.trim_end_matches('%').parse().unwrap_or(0);
    replicas * percent / 100
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A template of `carts` with that main container.
    pub(crate) fn of_container(mut container: Value) -> Template {
        container["name"] = "carts".into();
        let spec = json!({
            "selector": {}, "strategy": {"type": "Recreate"},
            "template": {"spec": {"containers": [{"name": "edge"}, container]}},
        });
        let deployment = serde_json::from_value(json!({"metadata": {}, "spec": spec}));
        Template::new("carts".into(), deployment.expect("deployment"))
    }

    /// What the changes would make of the places, by their names.
    pub(crate) fn told(changes: &[Change]) -> Vec<String> {
        let spots = changes.iter().flat_map(|change| &change.0);
        let shown = |value: &Option<Value>| value.clone().unwrap_or_default();
        spots
            .map(|spot| {
                let at = spot.at.to_string();
                let at = at.trim_start_matches("spec.containers[carts].");
                format!("{at}: {} -> {}", shown(&spot.before), shown(&spot.after))
            })
            .collect()
    }

    #[test]
    fn a_variable_that_was_emptied_is_still_ours_where_the_api_leaves_it_out() {
        let env = |value: Value| json!({"env": [value]});
        let before = of_container(env(json!({"name": "KEY", "value": "x"})));
        let at = before.variable("KEY").expect("there").key(&["value"]);
        let change = Change(vec![before.spot(at.clone(), "").expect("a change")]);
        assert!(!change.is_ours(&before.template));
        let after = of_container(env(json!({"name": "KEY"})));
        assert!(change.is_ours(&after.template));
        assert!(after.spot(at, "").is_err(), "nothing would change");
    }

    #[test]
    fn only_a_strategy_that_lets_old_pods_go_takes_the_service_down() {
        for (spec, bites) in [
            (json!({"strategy": {"type": "Recreate"}}), true),
            (json!({}), false),
            (
                json!({"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}),
                true,
            ),
            (
                json!({"replicas": 2, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}),
                false,
            ),
            (
                json!({"replicas": 2, "strategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}),
                true,
            ),
        ] {
            let mut spec = spec;
            spec["selector"] = json!({});
            spec["template"] = json!({});
            let deployment =
                serde_json::from_value(json!({"metadata": {}, "spec": spec})).expect("deployment");
            let template = Template::new("carts".into(), deployment);
            assert_eq!(template.wants_old_pods_to_go().is_ok(), bites, "{spec}");
        }
    }
}
