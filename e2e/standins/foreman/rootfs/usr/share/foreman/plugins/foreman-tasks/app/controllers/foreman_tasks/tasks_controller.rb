module ForemanTasks
  class TasksController < Api::BaseController
    def index
      render_list(tasks.order(started_at: :desc))
    end

    def show
      render json: Task.find(params[:id])
    end

    def summary
      render json: Task.group(:state).count
    end

    def bulk_resume
      chosen = params[:task_ids].present? ? Task.where(id: params[:task_ids]) : tasks
      resumed, skipped = chosen.partition { |task| task.state == 'paused' }
      resumed.each { |task| Dynflow::Client.execute(Dynflow::ExecutionPlan.find(task.external_id)) }
      render json: { total: chosen.size, resumed: resumed, failed: [], skipped: skipped }
    end

    private

    def tasks
      searched(Task.all, %w[id state result label])
    end
  end
end
