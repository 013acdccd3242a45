//! `bad-release`: a release that carries a defect is deployed.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;

use crate::ChaosError;
use crate::args::service;
use crate::image::Image;
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct BadRelease;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    release: String,
}

impl TemplateFault for BadRelease {
    const SPEC: FaultSpec = FaultSpec {
        kind: "bad-release",
        summary: "A release that carries a defect is rolled out: the service does what that defect makes it do.",
        recovery: "Roll the Deployment back, or deploy a good release.",
        args: &[
            service("the service that is deployed"),
            ArgSpec {
                name: "release",
                kind: ArgKind::Text,
                default: None,
                help: "the tag of the image, such as `v1.0.1`",
            },
        ],
    };
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, args: Args) -> Result<Vec<Change>, ChaosError> {
        let at = template.main()?.key(&["image"]);
        let present = Image::parse(template.text(&at).unwrap_or_default());
        let after = present.with_tag(&args.release).to_string();
        Ok(vec![Change(vec![template.spot(at, after)?])])
    }
}
