"""The words of a job's life: what it does, how it is scheduled, how urgent it is, where it stands.

Source: original_document (events), domain_rules 21.5 and 21.9.
"""

from enum import StrEnum


class JobType(StrEnum):
    """What a job does: the twenty of the platform, and CUSTOM.

    A type that is added as a page needs no member here: events take its name as it is.
    """

    PORTFOLIO_VALUATION = "portfolio_valuation"
    PERFORMANCE_CALCULATION = "performance_calculation"
    FEE_CHARGING = "fee_charging"
    SUBSCRIPTION_BILLING = "subscription_billing"
    HIGH_WATER_MARK_UPDATE = "high_water_mark_update"
    AUTO_REBALANCING = "auto_rebalancing"
    TAX_LOSS_HARVESTING = "tax_loss_harvesting"
    AML_CTF_MONITORING = "aml_ctf_monitoring"
    RISK_ASSESSMENT = "risk_assessment"
    COMPLIANCE_AUDIT = "compliance_audit"
    DATA_CLEANUP = "data_cleanup"
    DATA_ARCHIVAL = "data_archival"
    DATA_QUALITY_CHECK = "data_quality_check"
    EXCHANGE_RATE_UPDATE = "exchange_rate_update"
    PRICE_ALERT_CHECK = "price_alert_check"
    MARKET_DATA_REFRESH = "market_data_refresh"
    ML_MODEL_RETRAINING = "ml_model_retraining"
    ML_MODEL_EVALUATION = "ml_model_evaluation"
    NOTIFICATION_DIGEST = "notification_digest"
    REPORT_GENERATION = "report_generation"
    CUSTOM = "custom"


class ScheduleType(StrEnum):
    """What makes a schedule due; ON_DEMAND is due when somebody asks."""

    CRON = "CRON"
    INTERVAL = "INTERVAL"
    ONE_TIME = "ONE_TIME"
    ON_DEMAND = "ON_DEMAND"


class JobPriority(StrEnum):
    """Which of several ready jobs goes first."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    NORMAL = "NORMAL"
    LOW = "LOW"


class JobStatus(StrEnum):
    """Where a job stands."""

    SCHEDULED = "SCHEDULED"
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    COMPLETED_WITH_ERRORS = "COMPLETED_WITH_ERRORS"
    FAILED = "FAILED"
    RETRYING = "RETRYING"
    CANCELLED = "CANCELLED"
    SKIPPED_UPSTREAM = "SKIPPED_UPSTREAM"
    MISSED = "MISSED"
